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

// openGGUF lays a GGUF file out as a directory in memory.
func (b *Bundle) openGGUF(known []model.Architecture) error {
	f, err := gguf.Open(b.Dir)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	a, err := architecture(f, known)
	if err != nil {
		return err
	}
	files, err := layOut(f, a.GGUF)
	if err != nil {
		return err
	}
	if err := restore(f.KV(), files); err != nil {
		return err
	}
	// Every tensor has a place and a type that can be computed with.
	v, err := a.GGUF.HF(f, files[configName])
	if err != nil {
		return err
	}
	if err := restoreBytes(f, v); err != nil {
		return err
	}
	b.files = files
	b.weights = func() (weights, error) { return openWeights(b.Dir, a.GGUF, files[configName]) }
	b.hashed = func() ([]string, error) { return gguf.Paths(b.Dir), nil }
	return nil
}

func openWeights(path string, r *recipe.Recipe, config []byte) (weights, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return weights{}, err
	}
	v, err := r.HF(f, config)
	if err == nil {
		err = restoreBytes(f, v)
	}
	if err != nil {
		return weights{}, errors.Join(err, f.Close())
	}
	return weights{v, f.Close}, nil
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

// layOut makes the small files of a directory from a file's metadata.
func layOut(f *gguf.File, r *recipe.Recipe) (memory, error) {
	config, err := r.Config(f)
	if err != nil {
		return nil, err
	}
	v, err := vocab.Read(f.KV())
	if err != nil {
		return nil, err
	}
	tokenizer, err := v.JSON()
	if err != nil {
		return nil, err
	}
	templates, err := chatTemplates(f.KV())
	if err != nil {
		return nil, err
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
	files := memory{configName: config, tokenizerName: tokenizer}
	contents := map[string]any{tokenizerConfigName: special}
	if !r.Encoder {
		contents[generationName] = map[string]any{"eos_token_id": v.Endings()}
	}
	if err := layOutPooling(f.KV(), r.Architecture, files); err != nil {
		return nil, err
	}
	for name, content := range contents {
		if files[name], err = json.MarshalIndent(content, "", "  "); err != nil {
			return nil, err
		}
	}
	return files, nil
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
