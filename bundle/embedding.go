package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/tensor"
)

// Pooling says how the hidden states of a text's tokens become one vector.
type Pooling string

// The ways to pool, as Sentence Transformers names them.
const (
	PoolCLS  Pooling = "cls"       // the first token's
	PoolMean Pooling = "mean"      // the mean
	PoolLast Pooling = "lasttoken" // the last token's
)

// Embedding is how a model embeds texts.
type Embedding struct {
	Pooling   Pooling
	MaxTokens int // of one text, special tokens included
}

// The files of a Sentence Transformers directory.
const (
	modulesName      = "modules.json"
	sentenceBertName = "sentence_bert_config.json"
	poolingName      = "1_Pooling/config.json" // where that library puts it
)

// openEmbedding reads how the model embeds: what Sentence Transformers wrote, or for an
// encoder without it the mean, as that library does.
func (b *Bundle) openEmbedding() error {
	e := &Embedding{Pooling: PoolMean, MaxTokens: b.Facts.MaxPositions}
	data, err := readSmall(b.files, modulesName)
	switch {
	case errors.Is(err, fs.ErrNotExist) && b.Facts.Encoder:
		b.Embedding = e
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	var modules []struct {
		Path string `json:"path"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &modules); err != nil {
		return fmt.Errorf("%s: %w", modulesName, err)
	}
	for _, m := range modules {
		switch m.Type[strings.LastIndexByte(m.Type, '.')+1:] {
		case "Transformer", "Normalize": // vectors are always brought to length one
		case "Pooling":
			b.modules = append(b.modules, m.Path)
			if e.Pooling, err = readPooling(b.files, path.Join(m.Path, configName)); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s: module %q is not supported; known: Transformer, Pooling, Normalize", modulesName, m.Type)
		}
	}
	var limits struct {
		MaxTokens int `json:"max_seq_length"`
	}
	data, err = readSmall(b.files, sentenceBertName)
	if err == nil {
		err = json.Unmarshal(data, &limits)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", sentenceBertName, err)
	}
	if n := limits.MaxTokens; n > 0 {
		e.MaxTokens = min(e.MaxTokens, n)
	}
	b.Embedding = e
	return nil
}

// readPooling reads the configuration of a pooling module, which has a flag for each
// way, or since version 5 of the library its name.
func readPooling(files fs.FS, name string) (Pooling, error) {
	data, err := readSmall(files, name)
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	var modes []string
	if mode, ok := fields["pooling_mode"].(string); ok {
		modes = append(modes, mode)
	}
	for key, on := range fields {
		if mode, ok := strings.CutPrefix(key, "pooling_mode_"); ok && on == true {
			modes = append(modes, strings.TrimSuffix(strings.TrimSuffix(mode, "_tokens"), "_token"))
		}
	}
	slices.Sort(modes)
	modes = slices.Compact(modes)
	known := []Pooling{PoolCLS, PoolMean, PoolLast}
	if len(modes) != 1 || !slices.Contains(known, Pooling(modes[0])) {
		return "", fmt.Errorf("%s: pooling %q is not supported; known: %q, one of them", name, modes, known)
	}
	return Pooling(modes[0]), nil
}

// poolings are GGUF's numbers of the ways to pool.
var poolings = map[Pooling]uint32{PoolMean: 1, PoolCLS: 2, PoolLast: 3}

const poolingKey = ".pooling_type"

// setPooling stores how the model pools, if it embeds.
func (b *Bundle) setPooling(m *gguf.Metadata, architecture string) {
	if b.Embedding != nil {
		m.Set(architecture+poolingKey, poolings[b.Embedding.Pooling])
	}
}

// layOutPooling makes the files of Sentence Transformers for a GGUF file that says how
// the model pools. Of the ways that others know, 0 is none and 4 ranks.
func layOutPooling(m *gguf.Metadata, architecture string, files memory) error {
	key := architecture + poolingKey
	if !m.Has(key) {
		return nil
	}
	n, err := m.Int(key)
	if err != nil || n == 0 {
		return err
	}
	for p, number := range poolings {
		if n != int(number) {
			continue
		}
		files[poolingName] = fmt.Appendf(nil, "{\"pooling_mode\": %q}\n", p)
		files[modulesName] = []byte(`[
  {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
  {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
  {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}
]
`)
		return nil
	}
	return fmt.Errorf("%s is %d: this way to pool is not supported; known: 0 none, 1 mean, 2 cls, 3 last", key, n)
}

// smallFiles lists the small files that make up the model, config.json first.
func (b *Bundle) smallFiles() []string {
	names := slices.Clone(keptFiles)
	for _, m := range b.modules {
		if name := path.Join(m, configName); isModuleConfig(name) {
			names = append(names, name)
		}
	}
	return names
}

// isModuleConfig reports whether a file may be the configuration of a module of Sentence
// Transformers: config.json in a folder of the model's own.
func isModuleConfig(name string) bool {
	dir := path.Dir(name)
	return fs.ValidPath(name) && path.Base(name) == configName && dir != "." && path.Dir(dir) == "." && !strings.ContainsAny(dir, `\:`)
}

// rooted gives the tensors of a decoder that was saved without its head, as Sentence
// Transformers does, the names that they have with it.
type rooted struct{ checkpoint.Reader }

const root = "model."

// withRoot returns r, rooted where its names lack the root.
func withRoot(r checkpoint.Reader) checkpoint.Reader {
	if slices.Contains(r.Names(), "embed_tokens.weight") {
		return rooted{r}
	}
	return r
}

// Names implements [checkpoint.Reader].
func (r rooted) Names() []string {
	names := r.Reader.Names()
	for i := range names {
		names[i] = root + names[i]
	}
	return names
}

// Tensor implements [checkpoint.Reader].
func (r rooted) Tensor(name string) (tensor.Tensor, error) {
	return r.Reader.Tensor(strings.TrimPrefix(name, root))
}

// Entry implements [checkpoint.Describer].
func (r rooted) Entry(name string) (checkpoint.Entry, error) {
	e, err := describe(r.Reader, strings.TrimPrefix(name, root))
	e.Name = name
	return e, err
}

// Release passes on that a tensor's bytes will not be read again.
func (r rooted) Release(name string) error {
	if f, ok := r.Reader.(interface{ Release(name string) error }); ok {
		return f.Release(strings.TrimPrefix(name, root))
	}
	return nil
}
