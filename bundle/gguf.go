package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/recipe"
	vocab "github.com/troikaml/troika/tokenizer/gguf"
)

const (
	architectureKey = "general.architecture"
	templateKey     = "tokenizer.chat_template"
)

// openGGUF reads the head of a GGUF file.
func (b *Bundle) openGGUF(known []model.Architecture) (_ *head, err error) {
	f, err := gguf.Open(b.Dir)
	if err != nil {
		return nil, err
	}
	h := &head{file: f}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	a, err := architecture(f, known)
	if err != nil {
		return nil, err
	}
	h.recipe = a.GGUF
	if h.config, err = configOf(f, h.recipe); err != nil {
		return nil, err
	}
	// Every tensor has a place and a type that can be computed with.
	v, err := viewOf(f, h.recipe, h.config)
	if err != nil {
		return nil, err
	}
	h.weights = func() (weights, error) { return weights{v, func() error { return nil }}, nil }
	b.weights = func() (weights, error) { return openWeights(b.Dir, h.recipe, h.config) }
	b.hashed = func() ([]string, error) { return gguf.Paths(b.Dir), nil }
	return h, nil
}

func openWeights(path string, r *recipe.Recipe, config []byte) (weights, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return weights{}, err
	}
	v, err := viewOf(f, r, config)
	if err != nil {
		return weights{}, errors.Join(err, f.Close())
	}
	return weights{v, f.Close}, nil
}

// viewOf shows a file's tensors in Hugging Face's layout.
func viewOf(f *gguf.File, r *recipe.Recipe, config []byte) (*recipe.View, error) {
	v, err := r.HF(f, config)
	if err == nil {
		err = restoreBytes(f, v)
	}
	return v, err
}

// configOf returns the config.json that a file keeps, or else what its metadata says.
func configOf(f *gguf.File, r *recipe.Recipe) ([]byte, error) {
	config, err := r.Config(f)
	if err != nil || !f.KV().Has(fileKey+configName) {
		return config, err
	}
	text, err := f.KV().Text(fileKey + configName)
	return []byte(text), err
}

// architecture finds what knows a file's general.architecture.
func architecture(f *gguf.File, known []model.Architecture) (model.Architecture, error) {
	name, err := f.KV().Text(architectureKey)
	if err != nil {
		return model.Architecture{}, err
	}
	var names []string
	for _, a := range known {
		switch {
		case a.GGUF == nil:
		case a.GGUF.Architecture == name && (a.GGUF.Matches == nil || a.GGUF.Matches(f)):
			return a, nil
		default:
			names = append(names, a.GGUF.Architecture)
		}
	}
	slices.Sort(names)
	return model.Architecture{}, fmt.Errorf("architecture %q is not supported; known: %s", name, strings.Join(slices.Compact(names), ", "))
}

// layOut makes the small files of a directory from a file's metadata. Those that the
// file keeps are taken as they are: all of them, where it was made from a directory.
func layOut(f *gguf.File, r *recipe.Recipe, config []byte) (memory, error) {
	files := memory{configName: config}
	if !f.KV().Has(fileKey + configName) {
		if err := derive(f, r, files); err != nil {
			return nil, err
		}
	}
	return files, restore(f.KV(), files)
}

// derive makes the small files beside the configuration.
func derive(f *gguf.File, r *recipe.Recipe, files memory) error {
	v, err := vocab.Read(f.KV())
	if err != nil {
		return err
	}
	tokenizer, err := v.JSON()
	if err != nil {
		return err
	}
	templates, err := chatTemplates(f.KV())
	if err != nil {
		return err
	}
	special := map[string]any{}
	first, last := "bos_token", "eos_token"
	if v.Kind == vocab.KindWordPiece {
		first, last = "cls_token", "sep_token"
	}
	for key, id := range map[string]int{first: v.BOS, last: v.EOS, "unk_token": v.Unknown, "pad_token": v.Padding} {
		if id != vocab.None {
			special[key] = v.Text(id)
		}
	}
	if templates != nil {
		special["chat_template"] = templates
	}
	special["add_bos_token"], special["add_eos_token"] = v.Adds()
	special["tokenizer_class"] = "PreTrainedTokenizerFast"
	files[tokenizerName] = tokenizer
	contents := map[string]any{tokenizerConfigName: special}
	if !r.Encoder {
		contents[generationName] = map[string]any{"eos_token_id": v.Endings()}
	}
	if err := layOutPooling(f.KV(), r.Architecture, files); err != nil {
		return err
	}
	for name, content := range contents {
		if files[name], err = json.MarshalIndent(content, "", "  "); err != nil {
			return err
		}
	}
	return nil
}

// chatTemplates returns the template as tokenizer_config.json has it: a string, a
// list where there are several, nil where there is none.
func chatTemplates(m *gguf.Metadata) (any, error) {
	type named struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	var list []named
	for _, key := range m.Keys() {
		name, ok := strings.CutPrefix(key, templateKey)
		if !ok || name != "" && name[0] != '.' {
			continue
		}
		text, err := m.Text(key)
		if err != nil {
			return nil, err
		}
		if name == "" {
			name = ".default"
		}
		list = append(list, named{name[1:], text})
	}
	switch {
	case len(list) == 0:
		return nil, nil
	case len(list) == 1 && list[0].Name == "default":
		return list[0].Template, nil
	}
	return list, nil
}

// memory is a flat directory in memory.
type memory map[string][]byte

// Open implements [fs.FS].
func (m memory) Open(name string) (fs.File, error) {
	data, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memoryFile{Reader: bytes.NewReader(data), name: name}, nil
}

type memoryFile struct {
	*bytes.Reader
	name string
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return f, nil }
func (*memoryFile) Close() error                 { return nil }
func (f *memoryFile) Name() string               { return f.name }
func (*memoryFile) Mode() fs.FileMode            { return 0o444 }
func (*memoryFile) ModTime() time.Time           { return time.Time{} }
func (*memoryFile) IsDir() bool                  { return false }
func (*memoryFile) Sys() any                     { return nil }
