package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/grammar"
)

// structuredBody is what a request says about the form of its answer.
type structuredBody struct {
	ResponseFormat    json.RawMessage `json:"response_format"`
	StructuredOutputs json.RawMessage `json:"structured_outputs"` // vLLM's

	// Refused: vLLM's names of what is structured_outputs now.
	GuidedJSON    json.RawMessage `json:"guided_json"`
	GuidedRegex   json.RawMessage `json:"guided_regex"`
	GuidedChoice  json.RawMessage `json:"guided_choice"`
	GuidedGrammar json.RawMessage `json:"guided_grammar"`

	wanted *form // once read; nil for any form
}

// read checks what is said.
func (b *structuredBody) read() (f *failure) {
	b.wanted, f = b.form()
	return f
}

// form is the form that an answer must have.
type form struct {
	param  string // where the request has it
	kind   formKind
	source []byte // of schemas and expressions
	choice []string
	opts   grammar.Options
	calls  *callForm // of formCalls
}

type formKind uint8

const (
	formObject formKind = iota // any JSON object
	formSchema
	formRegex
	formChoice
	formCalls
)

// maxChoices bounds the texts of structured_outputs.choice.
const maxChoices = 4096

// form reads what form is asked for; nil for none.
func (b *structuredBody) form() (*form, *failure) {
	for _, old := range []struct {
		param, now string
		raw        json.RawMessage
	}{
		{"guided_json", "json", b.GuidedJSON},
		{"guided_regex", "regex", b.GuidedRegex},
		{"guided_choice", "choice", b.GuidedChoice},
		{"guided_grammar", "json or regex", b.GuidedGrammar},
	} {
		if given(old.raw) {
			return nil, unsupported(old.param, "Unsupported parameter: '%s'. Use 'structured_outputs' with %s.", old.param, old.now)
		}
	}
	f, fail := parseResponseFormat(b.ResponseFormat)
	if fail != nil || !given(b.StructuredOutputs) {
		return f, fail
	}
	if f != nil {
		return nil, badRequest("structured_outputs", "'structured_outputs' and 'response_format' contradict each other.")
	}
	return parseStructuredOutputs(b.StructuredOutputs)
}

// parseResponseFormat reads OpenAI's response_format.
func parseResponseFormat(raw json.RawMessage) (*form, *failure) {
	if !given(raw) {
		return nil, nil
	}
	const param = "response_format"
	var body struct {
		Type       string          `json:"type"`
		JSONSchema json.RawMessage `json:"json_schema"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return nil, badRequest(param, "Invalid '%s': an object with a type is expected.", param)
	}
	switch body.Type {
	case "text":
		return nil, nil
	case "json_object":
		return &form{param: param, kind: formObject}, nil
	case "json_schema":
	default:
		return nil, badRequest(param+".type", "Invalid '%s.type': %q is not one of text, json_object, json_schema.", param, body.Type)
	}
	var named struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict *bool           `json:"strict"` // every schema is held to
	}
	if !given(body.JSONSchema) || json.Unmarshal(body.JSONSchema, &named) != nil {
		return nil, badRequest(param+".json_schema", "Invalid '%s.json_schema': an object with a name and a schema is expected.", param)
	}
	if !validFormName(named.Name) {
		return nil, badRequest(param+".json_schema.name", "Invalid '%s.json_schema.name': 1 to 64 letters, digits, underscores or dashes are expected.", param)
	}
	if !given(named.Schema) {
		return nil, badRequest(param+".json_schema.schema", "Invalid '%s.json_schema.schema': it is missing.", param)
	}
	return &form{param: param, kind: formSchema, source: named.Schema}, nil
}

func validFormName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, c := range []byte(name) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '_' && c != '-' {
				return false
			}
		}
	}
	return true
}

// parseStructuredOutputs reads vLLM's structured_outputs.
func parseStructuredOutputs(raw json.RawMessage) (*form, *failure) {
	const param = "structured_outputs"
	var body map[string]json.RawMessage
	if json.Unmarshal(raw, &body) != nil {
		return nil, badRequest(param, "Invalid '%s': an object is expected.", param)
	}
	f := &form{}
	for _, key := range slices.Sorted(maps.Keys(body)) {
		value, at := body[key], param+"."+key
		if !given(value) || bytes.Equal(value, []byte("false")) {
			continue
		}
		if key == "disable_any_whitespace" {
			f.opts.Compact = true
			continue
		}
		if f.param != "" {
			return nil, badRequest(at, "'%s' and '%s' contradict each other.", f.param, at)
		}
		f.param = at
		if fail := f.read(key, value); fail != nil {
			return nil, fail
		}
	}
	if f.param == "" {
		return nil, badRequest(param, "Invalid '%s': one of json, json_object, regex and choice is expected.", param)
	}
	return f, nil
}

// read reads one key of structured_outputs.
func (f *form) read(key string, value json.RawMessage) *failure {
	switch key {
	case "json":
		f.kind, f.source = formSchema, value
		var text string // a schema may also come as a text
		if json.Unmarshal(value, &text) == nil {
			f.source = []byte(text)
		}
	case "json_object":
		f.kind = formObject
		if !bytes.Equal(value, []byte("true")) {
			return badRequest(f.param, "Invalid '%s': true or false is expected.", f.param)
		}
	case "regex":
		f.kind = formRegex
		var text string
		if json.Unmarshal(value, &text) != nil {
			return badRequest(f.param, "Invalid '%s': a text is expected.", f.param)
		}
		f.source = []byte(text)
	case "choice":
		f.kind = formChoice
		if json.Unmarshal(value, &f.choice) != nil || len(f.choice) == 0 || len(f.choice) > maxChoices {
			return badRequest(f.param, "Invalid '%s': 1 to %d texts are expected.", f.param, maxChoices)
		}
	default:
		return unsupported(f.param, "Unsupported value for 'structured_outputs': %q. Only json, json_object, regex, choice and disable_any_whitespace are supported.", key)
	}
	return nil
}

// compile makes the grammar of the form.
func (f *form) compile() (g *grammar.Grammar, err error) {
	switch f.kind {
	case formSchema:
		g, err = grammar.JSONSchema(f.source, f.opts)
	case formRegex:
		g, err = grammar.Regex(string(f.source))
	case formChoice:
		g = grammar.Enum(f.choice...)
	case formCalls:
		g, err = f.calls.grammar()
	default:
		g = grammar.JSON(true, f.opts)
	}
	if err == nil {
		err = g.Compile()
	}
	return g, err
}

// key tells forms apart.
func (f *form) key() troika.Digest {
	b, _ := json.Marshal([]any{f.kind, f.source, f.choice, f.opts, f.calls}) // nothing in it can fail
	return troika.Sum(b)
}

// grammars keeps the grammars that were asked for last: what they cost to compile, and
// the masks that they gathered, are then there for the next request.
type grammars struct {
	mu   sync.Mutex
	kept []keptGrammar // the latest last
}

type keptGrammar struct {
	key troika.Digest
	g   *grammar.Grammar
}

// maxGrammars bounds what is kept: a grammar and its masks take at most some 40 MB for
// each model, and mostly less than one.
const maxGrammars = 16

// get returns the grammar of a form; nil for no form.
func (k *grammars) get(f *form) (*grammar.Grammar, *failure) {
	if f == nil {
		return nil, nil
	}
	key := f.key()
	if g := k.find(key); g != nil {
		return g, nil
	}
	g, err := f.compile()
	if err != nil {
		return nil, f.failure(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) == maxGrammars {
		k.kept = slices.Delete(k.kept, 0, 1)
	}
	k.kept = append(k.kept, keptGrammar{key, g})
	return g, nil
}

// find returns a kept grammar and notes that it was asked for, or returns nil.
func (k *grammars) find(key troika.Digest) *grammar.Grammar {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := slices.IndexFunc(k.kept, func(g keptGrammar) bool { return g.key == key })
	if at < 0 {
		return nil
	}
	found := k.kept[at]
	k.kept = append(slices.Delete(k.kept, at, at+1), found)
	return found.g
}

// failure says why a form cannot be had, naming the keyword of a schema that is at fault.
func (f *form) failure(err error) *failure {
	if tool, ok := errors.AsType[*toolError](err); ok {
		return (&form{param: tool.param}).failure(tool.err)
	}
	if bad, ok := errors.AsType[*grammar.SchemaError](err); ok {
		return newFailure(http.StatusBadRequest, typeRequest, "invalid_json_schema", f.param,
			"Invalid schema in '%s': keyword '%s' at '#%s': %s.", f.param, bad.Keyword, bad.Pointer, bad.Reason)
	}
	return badRequest(f.param, "Invalid '%s': %s.", f.param, err)
}
