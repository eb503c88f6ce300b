package local_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"

	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/local"
)

const ticketSchema = `{"type":"object","properties":{
	"kind":{"enum":["bug","question","praise"]},"urgent":{"type":"boolean"},"title":{"type":"string","minLength":1,"maxLength":12},
	"order":{"type":["integer","null"],"minimum":1,"maximum":9999},"day":{"type":"string","format":"date"},
	"lines":{"type":"array","items":{"$ref":"#/$defs/line"},"maxItems":2}},
	"$defs":{"line":{"type":"object","properties":{"sku":{"type":"string","pattern":"^[A-Z]{2}-[0-9]{2}$"},"price":{"type":"number","minimum":0,"maximum":99.5,"multipleOf":0.5}},
	"required":["sku","price"],"additionalProperties":false}},
	"required":["kind","urgent","title","order","day","lines"],"additionalProperties":false}`

func sdk(t *testing.T) openai.Client {
	t.Helper()
	dev := cpu.New(cpu.Options{Threads: 2})
	t.Cleanup(dev.Close)
	e := local.New(dev, local.Options{Known: all.Architectures(), Context: 1024})
	t.Cleanup(e.Close)
	if err := e.AddBase("starter", starterDir); err != nil {
		t.Fatal(err)
	}
	s, err := serve.New(e, serve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return openai.NewClient(option.WithBaseURL(web.URL+"/v1"), option.WithAPIKey("any"), option.WithMaxRetries(0))
}

func question(seed int64) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: "starter", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("File this.")},
		Temperature: openai.Float(1), Seed: openai.Int(seed), MaxCompletionTokens: openai.Int(900),
	}
}

func schemaFormat(text string) openai.ChatCompletionNewParamsResponseFormatUnion {
	return openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
		JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "ticket", Schema: json.RawMessage(text), Strict: openai.Bool(true)},
	}}
}

// However wild the draw, every answer parses and is valid by another's judgement.
func TestStructuredOutput(t *testing.T) {
	c := sdk(t)
	var schema jsonschema.Schema
	if err := json.Unmarshal([]byte(ticketSchema), &schema); err != nil {
		t.Fatal(err)
	}
	valid, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 24
	if testing.Short() {
		n = 6
	}
	answers := make([]string, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			p := question(int64(i))
			p.ResponseFormat = schemaFormat(ticketSchema)
			got, err := c.Chat.Completions.New(t.Context(), p)
			if err != nil {
				t.Error(err)
				return
			}
			answers[i] = got.Choices[0].Message.Content
			var value any
			if err := json.Unmarshal([]byte(answers[i]), &value); err != nil {
				t.Errorf("%q, %s: %v", answers[i], got.Choices[0].FinishReason, err)
			} else if err := valid.Validate(value); err != nil || got.Choices[0].FinishReason != "stop" {
				t.Errorf("%q, %s: %v", answers[i], got.Choices[0].FinishReason, err)
			}
		})
	}
	wg.Wait()
	slices.Sort(answers)
	if len(slices.Compact(answers)) < n/2 {
		t.Error("seeds change nothing")
	}
}

func TestStructuredKinds(t *testing.T) {
	c := sdk(t)
	object := question(1)
	object.ResponseFormat.OfJSONObject = &shared.ResponseFormatJSONObjectParam{}
	got, err := c.Chat.Completions.New(t.Context(), object, option.WithJSONSet("logit_bias", map[string]int{}))
	if err != nil {
		t.Fatal(err)
	}
	text := got.Choices[0].Message.Content
	if !strings.HasPrefix(text, "{") || got.Choices[0].FinishReason == "stop" && !json.Valid([]byte(text)) {
		t.Errorf("JSON object: %q, %s", text, got.Choices[0].FinishReason)
	}
	labels := []string{"billing/question", "billing/complaint", "shipping", "退货"}
	for seed := range int64(4) {
		got, err := c.Chat.Completions.New(t.Context(), question(seed), option.WithJSONSet("structured_outputs", map[string]any{"choice": labels}))
		if err != nil {
			t.Fatal(err)
		}
		if text := got.Choices[0].Message.Content; !slices.Contains(labels, text) || got.Choices[0].FinishReason != "stop" {
			t.Errorf("choice %q, %s", text, got.Choices[0].FinishReason)
		}
	}
	// The tokens tell what the model itself gave them, whatever was forbidden.
	plain, err := c.Completions.New(t.Context(), openai.CompletionNewParams{
		Model: "starter", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("It is")}, Logprobs: openai.Int(1), MaxTokens: openai.Int(30), Temperature: openai.Float(1),
	}, option.WithJSONSet("structured_outputs", map[string]any{"regex": `Q[0-9]{2}(-[a-f]{3})+ end`}))
	if err != nil {
		t.Fatal(err)
	}
	if text := plain.Choices[0].Text; len(text) < 4 || text[0] != 'Q' || text[3] != '-' || plain.Choices[0].Logprobs.TokenLogprobs[0] > -1 {
		t.Errorf("regex: %q, %v", text, plain.Choices[0].Logprobs.TokenLogprobs)
	}
}

func TestStructuredErrors(t *testing.T) {
	c := sdk(t)
	for schema, want := range map[string]string{
		`{"type":"object","properties":{"tags":{"type":"array","items":{"type":"string"},"uniqueItems":true}}}`: "keyword 'uniqueItems' at '#/properties/tags/uniqueItems'",
		`{"type":"integer","minimum":5,"maximum":4}`:                                                            "nothing satisfies it",
		`{"type":"string","pattern":"a(?=b)"}`:                                                                  "look-around",
		`{"type":"strin"}`:                                                                                      "keyword 'type' at '#/type'",
		`{"type":"string","minLength":100000000}`:                                                               "keyword 'minLength'",
	} {
		p := question(1)
		p.ResponseFormat = schemaFormat(schema)
		_, err := c.Chat.Completions.New(t.Context(), p)
		var api *openai.Error
		if !errors.As(err, &api) || api.StatusCode != http.StatusBadRequest || api.Param != "response_format" || !strings.Contains(api.Message, want) {
			t.Errorf("%s: %v, want %q", schema, err, want)
		}
	}
}
