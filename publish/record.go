package publish

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/tokenizer/chat"
)

// TrainedFile is the name of a [Trained] beside an adapter.
const TrainedFile = "parity.json"

// Trained is what the trainer saw and computed for a few fixed conversations, with the
// adapter as it was saved.
type Trained struct {
	Template troika.Digest `json:"template"` // see [bundle.Bundle.TemplateDigest]
	Device   string        `json:"device"`   // on devices of this name the bits are the same
	Probes   []Probe       `json:"probes"`
}

// Probe is one of the conversations.
type Probe struct {
	IDs  []int32 `json:"ids"`
	Rows []Row   `json:"rows"` // the logits at each position
}

// Row stands for the logits at a position.
type Row struct {
	Bits string `json:"bits"` // the first 8 bytes of the SHA-256 of the F32 values, little-endian
	// Top are the likeliest tokens, and Logprobs the logarithms of their probabilities.
	Top      []int32   `json:"top"`
	Logprobs []float64 `json:"logprobs"`
}

// topTokens is how many tokens of a row are kept.
const topTokens = 8

// probes are put to the trainer and to the server. They have several turns, Chinese,
// code and symbols, so that most of what a template or a tokenizer does shows in them.
func probes() []bundle.Conversation {
	said := func(role, text string) chat.Message { return chat.Message{Role: role, Content: text} }
	return []bundle.Conversation{
		{Messages: []chat.Message{said("user", "Which drawer holds the blue folder, and since when?")}},
		{Messages: []chat.Message{
			said("system", "Answer in one word."), said("user", "发票在哪个文件夹里？"), said("assistant", "蓝色"),
			said("user", "  And the 3rd one?\n\n"),
		}},
		{Messages: []chat.Message{said("user", "```go\nfor i := range 10 {\n\tfmt.Println(i*2, \"é\")\n}\n```\nWhat is printed? 🐎 1,024.50 €")}},
	}
}

// probeIDs returns the tokens of the probes, at most limit each.
func probeIDs(b *bundle.Bundle, limit int) ([][]int32, error) {
	var out [][]int32
	for _, p := range probes() {
		ids, err := b.Prompt(p)
		if errors.Is(err, bundle.ErrNoTemplate) {
			var text strings.Builder
			for _, m := range p.Messages {
				text.WriteString(m.Content + "\n")
			}
			ids, err = b.Tokenizer.Encode(text.String(), true), nil
		}
		if err != nil {
			// A template may refuse a system turn; what it says to the last turn alone
			// is compared then.
			ids, err = b.Prompt(bundle.Conversation{Messages: p.Messages[len(p.Messages)-1:]})
		}
		if err != nil {
			return nil, fmt.Errorf("probe: %w", err)
		}
		out = append(out, ids[:min(len(ids), limit)])
	}
	return out, nil
}

// Record computes the probes on the trainer's path. m carries the adapter in a slot.
func Record(dev compute.Device, b *bundle.Bundle, m model.Model, slot int32) (*Trained, error) {
	ids, err := probeIDs(b, b.Facts.MaxPositions-1)
	if err != nil {
		return nil, err
	}
	t := &Trained{Template: b.TemplateDigest(), Device: dev.Name()}
	for _, one := range ids {
		logits, err := trainerLogits(dev, m, slot, one)
		if err != nil {
			return nil, fmt.Errorf("record for parity: %w", err)
		}
		p := Probe{IDs: one}
		for _, row := range logits {
			p.Rows = append(p.Rows, newRow(row))
		}
		t.Probes = append(t.Probes, p)
	}
	return t, nil
}

// File returns the record as it stands beside an adapter.
func (t *Trained) File() (fsx.File, error) {
	text, err := json.Marshal(t)
	return fsx.Bytes(TrainedFile, append(text, '\n')), err
}

// maxTrained bounds the bytes of a record: some hundred times what Record makes.
const maxTrained = 16 << 20

// readTrained reads the record beside an adapter; nil stands for none.
func readTrained(dir string) (*Trained, error) {
	path := filepath.Join(dir, TrainedFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxTrained+1))
	if err != nil {
		return nil, err
	}
	t, err := parseTrained(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return t, nil
}

// parseTrained reads a record, and checks that its parts fit each other.
func parseTrained(text []byte) (*Trained, error) {
	if len(text) > maxTrained {
		return nil, fmt.Errorf("more than %d bytes", maxTrained)
	}
	var t Trained
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, err
	}
	for i, p := range t.Probes {
		if len(p.Rows) != len(p.IDs) {
			return nil, fmt.Errorf("probe %d has %d tokens and %d rows", i+1, len(p.IDs), len(p.Rows))
		}
		for at, r := range p.Rows {
			if len(r.Top) != len(r.Logprobs) {
				return nil, fmt.Errorf("probe %d, position %d has %d tokens and %d probabilities", i+1, at, len(r.Top), len(r.Logprobs))
			}
		}
	}
	return &t, nil
}

func newRow(logits []float32) Row {
	raw := make([]byte, 0, 4*len(logits))
	for _, v := range logits {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	sum := sha256.Sum256(raw)
	r := Row{Bits: hex.EncodeToString(sum[:8])}
	order := make([]int32, len(logits))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(logits[b], logits[a]) })
	r.Top = order[:min(topTokens, len(order))]
	r.Logprobs = logprobs(logits, r.Top)
	return r
}

// logprobs returns the logarithms of some tokens' probabilities.
func logprobs(logits []float32, tokens []int32) []float64 {
	peak := float64(slices.Max(logits))
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v) - peak)
	}
	out := make([]float64, len(tokens))
	for i, id := range tokens {
		out[i] = float64(logits[id]) - peak - math.Log(sum)
	}
	return out
}

// divergence is the Kullback-Leibler divergence, in nats, of the distribution of logits
// from a row's: over the row's tokens, and all the others as one.
func (r *Row) divergence(logits []float32) float64 {
	var kl float64
	restP, restQ := 1.0, 1.0
	for i, q := range logprobs(logits, r.Top) {
		p := math.Exp(r.Logprobs[i])
		kl += p * (r.Logprobs[i] - q)
		restP -= p
		restQ -= math.Exp(q)
	}
	const least = 1e-12 // below it, rounding is all there is
	if restP > least && restQ > least {
		kl += restP * math.Log(restP/restQ)
	}
	return max(0, kl)
}

// trainerLogits computes the logits at each position as training does: the sequence as
// a whole, without a cache.
func trainerLogits(dev compute.Device, m model.Model, slot int32, ids []int32) (rows [][]float32, err error) {
	defer compute.Recover(&err)
	b := &model.Batch{AdapterSlots: slices.Repeat([]int32{slot}, len(ids))}
	b.Sequence(ids, 0, nil)
	free, err := b.Upload(dev)
	if err != nil {
		return nil, err
	}
	defer free()
	o := compute.NewEager(dev)
	defer o.Close()
	y := m.Logits(o, b, m.Forward(o, b, nil))
	return slices.Collect(slices.Chunk(compute.Floats(dev, y), y.Shape[1])), nil
}

// serverLogits computes the logits at each position as serving does, by an engine that
// cuts the prompt and keeps a cache.
func serverLogits(ctx context.Context, e *infer.Engine, slot int32, ids []int32) ([][]float32, error) {
	rows := make([][]float32, len(ids))
	_, err := e.Generate(ctx, infer.Request{
		Prompt: ids, Slot: slot, MaxTokens: -1, Echo: true,
		Observe: func(at int, logits []float32) { rows[at] = slices.Clone(logits) },
	}, func(infer.Token) error { return nil })
	return rows, err
}
