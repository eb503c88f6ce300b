package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/troikaml/troika/tokenizer/chat/jinja"
)

// Files in which a Hugging Face directory may carry chat templates.
const (
	templateFile   = "chat_template.jinja"
	templateDir    = "additional_chat_templates"
	legacyFile     = "chat_template.json"
	tokenizerFile  = "tokenizer_config.json"
	specialFile    = "special_tokens_map.json"
	maxConfigBytes = 64 << 20
)

// defaultName is the name of a template that has no other.
const defaultName = "default"

// Resolve returns the chat templates of a Hugging Face directory by name; the
// one that has no name of its own is "default". As in transformers' tokenizers,
// chat_template.jinja and additional_chat_templates/*.jinja, where there is
// any, replace the chat_template of tokenizer_config.json (a string, or a
// list of {name, template}). chat_template.json, which processors wrote
// before, is read if neither has one. The map is empty if the directory has
// no template at all.
func Resolve(files fs.FS) (map[string]string, error) {
	out, err := templateFiles(files)
	if err != nil || len(out) > 0 {
		return out, err
	}
	for _, name := range []string{tokenizerFile, legacyFile} {
		if out, err = configTemplates(files, name); err != nil || len(out) > 0 {
			return out, err
		}
	}
	return map[string]string{}, nil
}

// readFile reads a file of bounded size; a file that is not there is nil.
func readFile(files fs.FS, name string, limit int64) ([]byte, error) {
	f, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close() //nolint:errcheck // read only
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("read %s: more than %d bytes", name, limit)
	}
	if raw == nil {
		raw = []byte{}
	}
	return raw, nil
}

const maxTemplateBytes = 16 << 20

func templateFiles(files fs.FS) (map[string]string, error) {
	out := map[string]string{}
	raw, err := readFile(files, templateFile, maxTemplateBytes)
	if err != nil {
		return nil, err
	}
	if raw != nil {
		out[defaultName] = string(raw)
	}
	entries, err := fs.ReadDir(files, templateDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: %w", templateDir, err)
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".jinja")
		if !ok || entry.IsDir() {
			continue
		}
		raw, err := readFile(files, path.Join(templateDir, entry.Name()), maxTemplateBytes)
		if err != nil {
			return nil, err
		}
		out[name] = string(raw)
	}
	return out, nil
}

// configTemplates reads the key chat_template of a JSON file.
func configTemplates(files fs.FS, name string) (map[string]string, error) {
	raw, err := readFile(files, name, maxConfigBytes)
	if err != nil || raw == nil {
		return nil, err
	}
	var config struct {
		Template json.RawMessage `json:"chat_template"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(config.Template) == 0 || string(config.Template) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(config.Template, &one) == nil {
		return map[string]string{defaultName: one}, nil
	}
	var many []struct{ Name, Template string }
	if err := json.Unmarshal(config.Template, &many); err != nil {
		return nil, fmt.Errorf("read %s: chat_template must be a string or a list of {name, template}: %w", name, err)
	}
	out := map[string]string{}
	for _, t := range many {
		out[t.Name] = t.Template
	}
	return out, nil
}

// Select returns the name of the template to use among those of [Resolve]:
// "tool_use", if there is one and the conversation has tools, else "default".
// As in transformers, a template that stands alone under another name is not
// chosen.
func Select(templates map[string]string, tools bool) (string, error) {
	if _, ok := templates["tool_use"]; ok && tools {
		return "tool_use", nil
	}
	if _, ok := templates[defaultName]; ok {
		return defaultName, nil
	}
	if len(templates) == 0 {
		return "", errors.New("the model has no chat template")
	}
	return "", fmt.Errorf("the model has several chat templates and none of them is the default: %s",
		strings.Join(slices.Sorted(maps.Keys(templates)), ", "))
}

// specialTokens are the variables that transformers sets for every template.
var specialTokens = []string{
	"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
}

// SpecialTokens returns the special tokens that a Hugging Face directory
// names, as variables for [Input.Vars]: those of tokenizer_config.json, and
// where it is silent those of special_tokens_map.json.
func SpecialTokens(files fs.FS) (map[string]Value, error) {
	out := map[string]Value{}
	for _, name := range []string{tokenizerFile, specialFile} {
		raw, err := readFile(files, name, maxConfigBytes)
		if err != nil {
			return nil, err
		}
		if raw == nil {
			continue
		}
		var config map[string]json.RawMessage
		if err := json.Unmarshal(raw, &config); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		for _, key := range specialTokens {
			if _, done := out[key]; done {
				continue
			}
			token, ok, err := tokenText(config[key])
			if err != nil {
				return nil, fmt.Errorf("read %s: %s: %w", name, key, err)
			}
			if ok {
				out[key] = jinja.String(token)
			}
		}
	}
	return out, nil
}

// tokenText reads a token that is a string or an object with its content.
func tokenText(raw json.RawMessage) (text string, ok bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", false, nil
	}
	if json.Unmarshal(raw, &text) == nil {
		return text, true, nil
	}
	var token struct {
		Content *string `json:"content"`
	}
	if err := json.Unmarshal(raw, &token); err != nil {
		return "", false, err
	}
	if token.Content == nil {
		return "", false, errors.New("want a string or an object with content")
	}
	return *token.Content, true, nil
}
