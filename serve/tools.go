package serve

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// The wire types of calls of tools. Fields stand in OpenAI's order.
type (
	callBody struct {
		ID       string       `json:"id"`
		Type     string       `json:"type"`
		Function functionBody `json:"function"`
	}
	functionBody struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"` // JSON, as the model wrote it
	}
	// callDelta has the id, the type and the name in the first piece of a call alone.
	callDelta struct {
		Index    int           `json:"index"`
		ID       string        `json:"id,omitempty"`
		Type     string        `json:"type,omitempty"`
		Function functionDelta `json:"function"`
	}
	functionDelta struct {
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments"`
	}
)

// callID names a call of a completion. Templates of Mistral's models want nine letters
// and digits, and all others take them.
func callID(completion string, index int) string {
	const length = 9
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", completion, index))
	text := new(big.Int).SetBytes(sum[:]).Text(62)
	return (text + strings.Repeat("0", length))[:length]
}

func newCallDeltas(completion string, calls []toolcall.Delta) []callDelta {
	out := make([]callDelta, len(calls))
	for i, c := range calls {
		out[i] = callDelta{Index: c.Index, Function: functionDelta(functionBody{c.Name, c.Arguments})}
		if c.Name != "" {
			out[i].ID, out[i].Type = callID(completion, c.Index), "function"
		}
	}
	return out
}

// addCalls adds pieces of calls to those that are there.
func addCalls(calls []callBody, completion string, deltas []toolcall.Delta) []callBody {
	for _, d := range deltas {
		if d.Name != "" {
			calls = append(calls, callBody{callID(completion, d.Index), "function", functionBody{Name: d.Name}})
		}
		calls[d.Index].Function.Arguments += d.Arguments
	}
	return calls
}

func newAssistant(text string, calls []callBody) assistantBody {
	b := assistantBody{Role: "assistant", Content: &text, ToolCalls: calls}
	if text == "" && len(calls) > 0 {
		b.Content = nil
	}
	return b
}

const maxTools = 128 // as OpenAI has it

var functionName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// toolBody is what is checked of a tool.
type toolBody struct {
	Type     string `json:"type"`
	Function struct {
		Name       string          `json:"name"`
		Parameters json.RawMessage `json:"parameters"`
		Strict     bool            `json:"strict"`
	} `json:"function"`
}

// readTools reads what is said about tools into a request.
func (b *chatBody) readTools(req *ChatRequest) *failure {
	var tools []toolBody
	if given(b.Tools) {
		if json.Unmarshal(b.Tools, &tools) != nil {
			return badRequest("tools", "Invalid 'tools': an array of tools is expected.")
		}
		if len(tools) > maxTools {
			return badRequest("tools", "Invalid 'tools': %d of them, at most %d are taken.", len(tools), maxTools)
		}
	}
	names := map[string]bool{}
	for i, t := range tools {
		if f := t.check(fmt.Sprintf("tools[%d]", i), names); f != nil {
			return f
		}
		names[t.Function.Name] = true
	}
	none, f := b.toolChoice(req, names)
	if f != nil {
		return f
	}
	if len(tools) > 0 && !none {
		req.Tools, req.OneCall = b.Tools, !valueOr(b.ParallelToolCalls, true) || req.ToolChoice.Name != ""
		b.calls = &callForm{Choice: req.ToolChoice, One: req.OneCall, Tools: tools}
	}
	return nil
}

func (t *toolBody) check(at string, names map[string]bool) *failure {
	switch name := t.Function.Name; {
	case t.Type != "function" || name == "":
		return badRequest(at, "Invalid '%s': a function with a name is expected.", at)
	case !functionName.MatchString(name):
		return badRequest(at+".function.name", "Invalid '%s.function.name': %.80q is not 1 to 64 letters, digits, underscores, dots and hyphens.", at, name)
	case names[name]:
		return badRequest(at+".function.name", "Invalid '%s.function.name': two functions are named %q.", at, name)
	case given(t.Function.Parameters) && t.Function.Parameters[0] != '{':
		return badRequest(at+".function.parameters", "Invalid '%s.function.parameters': a JSON schema of an object is expected.", at)
	}
	return nil
}

// toolChoice reads tool_choice; none says that no tool may be called.
func (b *chatBody) toolChoice(req *ChatRequest, names map[string]bool) (none bool, f *failure) {
	var word string
	var object struct {
		Type     string `json:"type"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	switch raw := b.ToolChoice; {
	case !given(raw):
		return false, nil
	case json.Unmarshal(raw, &word) == nil:
		switch word {
		case "none":
			return true, nil
		case "auto":
			return false, nil
		case "required":
		default:
			return false, badRequest("tool_choice", `Invalid 'tool_choice': %.40q is not one of "none", "auto", "required".`, word)
		}
	case json.Unmarshal(raw, &object) != nil:
		return false, badRequest("tool_choice", "Invalid 'tool_choice': a word or an object is expected.")
	case object.Type != "function":
		return false, unsupported("tool_choice", "Unsupported 'tool_choice' of type %.40q. Only \"function\" is supported.", object.Type)
	case !names[object.Function.Name]:
		return false, badRequest("tool_choice", "Invalid 'tool_choice': no function of 'tools' is named %.80q.", object.Function.Name)
	}
	if len(names) == 0 {
		return false, badRequest("tool_choice", "Invalid 'tool_choice': it asks for a call, and there are no 'tools'.")
	}
	req.ToolChoice = ToolChoice{Required: true, Name: object.Function.Name}
	return false, nil
}

// calls checks the calls of a message and returns them as sent.
func (m *messageBody) calls(at string) (json.RawMessage, *failure) {
	if !given(m.ToolCalls) {
		return nil, nil
	}
	at += ".tool_calls"
	var calls []struct {
		Type     string `json:"type"`
		Function struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		} `json:"function"`
	}
	if m.Role != "assistant" || m.ToolCalls[0] != '[' || json.Unmarshal(m.ToolCalls, &calls) != nil {
		return nil, badRequest(at, "Invalid '%s': an array of calls, in an assistant's message, is expected.", at)
	}
	if len(calls) == 0 {
		return nil, badRequest(at, "Invalid '%s': it is empty; leave it out.", at)
	}
	for i, c := range calls {
		var text string
		switch {
		case c.Type != "function" && c.Type != "" || c.Function.Name == "":
			return nil, badRequest(at, "Invalid '%s[%d]': a call of a function with a name is expected.", at, i)
		case !given(c.Function.Arguments), c.Function.Arguments[0] == '{', json.Unmarshal(c.Function.Arguments, &text) == nil:
		default:
			return nil, badRequest(at, "Invalid '%s[%d].function.arguments': the text of a JSON object is expected.", at, i)
		}
	}
	return m.ToolCalls, nil
}
