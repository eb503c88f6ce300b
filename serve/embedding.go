package serve

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"slices"

	"github.com/troikaml/troika/infer"
)

// EmbeddingRequest asks for vectors, checked.
type EmbeddingRequest struct {
	ID, Key, Model string // as in ChatRequest
	Inputs         []Input
}

// Input is a text, or its token ids where the client sent those.
type Input struct {
	Text   string
	Tokens []int32
}

// embeddingRequestBody is the body of POST /v1/embeddings.
type embeddingRequestBody struct {
	Model          string          `json:"model"`
	Input          json.RawMessage `json:"input"`
	EncodingFormat string          `json:"encoding_format"`
	Dimensions     *int            `json:"dimensions"`
}

// The wire types of embeddings. Fields stand in OpenAI's order.
type (
	embeddingListBody struct {
		Object string          `json:"object"`
		Data   []embeddingBody `json:"data"`
		Model  string          `json:"model"`
		Usage  struct {
			PromptTokens int `json:"prompt_tokens"`
			TotalTokens  int `json:"total_tokens"`
		} `json:"usage"`
	}
	embeddingBody struct {
		Object    string `json:"object"`
		Index     int    `json:"index"`
		Embedding any    `json:"embedding"` // numbers, or base64 of their bytes
	}
)

// maxInputs is how many texts one request embeds, as OpenAI has it.
const maxInputs = 2048

func parseEmbedding(b []byte) (*EmbeddingRequest, *embeddingRequestBody, *failure) {
	var body embeddingRequestBody
	if f := decodeJSON(b, &body); f != nil {
		return nil, nil, f
	}
	switch {
	case body.Model == "":
		return nil, nil, badRequest("model", "You must provide a model parameter.")
	case !slices.Contains([]string{"", "float", "base64"}, body.EncodingFormat):
		return nil, nil, badRequest("encoding_format", "Invalid 'encoding_format': %q is neither \"float\" nor \"base64\".", body.EncodingFormat)
	case body.Dimensions != nil && *body.Dimensions < 1:
		return nil, nil, badRequest("dimensions", "Invalid 'dimensions': %d is less than 1.", *body.Dimensions)
	}
	inputs, f := parseInputs("input", body.Input, maxInputs)
	if f != nil {
		return nil, nil, f
	}
	if len(inputs) == 0 {
		return nil, nil, badRequest("input", "Invalid 'input': it is empty.")
	}
	return &EmbeddingRequest{Model: body.Model, Inputs: inputs}, &body, nil
}

func (s *Server) serveEmbeddings(w http.ResponseWriter, r *http.Request) {
	raw, f := s.readBody(w, r)
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	req, options, f := parseEmbedding(raw)
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	a, leave, f := s.admit(w, r, req.Model, "embd-")
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	defer leave()
	req.ID, req.Key, req.Model = a.id, a.request.key, a.model.ID
	var vectors [][]float32
	usage, _, err := a.ask(r.Context(), func(ctx context.Context, _ func(Delta) error) (u Usage, _ FinishReason, err error) {
		vectors, u, err = s.engine.Embed(ctx, *req)
		return u, FinishStop, err
	}, nil)
	if err != nil {
		s.writeFailure(w, a.failure(r.Context(), err))
		return
	}
	body := embeddingListBody{Object: "list", Model: a.model.ID}
	body.Usage.PromptTokens, body.Usage.TotalTokens = usage.PromptTokens, usage.PromptTokens
	for i, v := range vectors {
		if n := options.Dimensions; n != nil {
			if *n > len(v) {
				s.writeFailure(w, badRequest("dimensions", "Invalid 'dimensions': %d, the model has %d.", *n, len(v)))
				return
			}
			v = v[:*n]
			infer.Normalize(v)
		}
		one := embeddingBody{Object: "embedding", Index: i, Embedding: v}
		if options.EncodingFormat == "base64" {
			one.Embedding = encodeFloats(v)
		}
		body.Data = append(body.Data, one)
	}
	s.writeJSON(w, http.StatusOK, body)
}

// encodeFloats is base64 of the numbers' bytes, lowest first.
func encodeFloats(v []float32) string {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(b)
}
