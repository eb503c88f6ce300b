package toolcall_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// call is a whole call.
type call struct{ name, arguments string }

// read gives a parser an answer in pieces and joins what comes back as a client does.
func read(t testing.TB, p *toolcall.Parser, pieces ...string) (content string, calls []call) {
	t.Helper()
	add := func(text string, deltas []toolcall.Delta) {
		content += text
		for _, d := range deltas {
			switch {
			case d.Index == len(calls) && d.Name != "":
				calls = append(calls, call{d.Name, d.Arguments})
			case d.Index == len(calls)-1 && d.Name == "" && d.Arguments != "":
				calls[d.Index].arguments += d.Arguments
			default:
				t.Fatalf("delta %+v after %d calls", d, len(calls))
			}
		}
	}
	for _, piece := range pieces {
		add(p.Push(piece))
	}
	add(p.Flush())
	return content, calls
}

var names = []string{"weather", "now", "find.all"}

const weather = `{"city": "Köln 😀", "days": [1, -2.5e3, null, {"a": "}\"]"}]}`

type answerCase struct {
	name    string
	format  toolcall.Format
	text    string
	content string
	calls   []call
}

// answers are what models write, well and badly.
var answers = []answerCase{
	{"content", toolcall.Hermes, "Hi <b>there</b> {} \n", "Hi <b>there</b> {} \n", nil},
	{"one", toolcall.Hermes, "<tool_call>\n{\"name\": \"weather\", \"arguments\": " + weather + "}\n</tool_call>", "", []call{{"weather", weather}}},
	{"two and content", toolcall.Hermes, "I look.\n\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\":1}}\n</tool_call>\nDone.", "I look.Done.", []call{{"weather", "{}"}, {"now", `{"a":1}`}}},
	{"two in one mark", toolcall.Hermes, "<tool_call>{\"name\":\"now\",\"arguments\":{}}\n{\"name\":\"weather\",\"arguments\":{}}</tool_call>", "", []call{{"now", "{}"}, {"weather", "{}"}}},
	{"other order", toolcall.Hermes, `<tool_call>{"id": 7, "arguments": {"a": [true]}, "x": {"name": "no"}, "name": "now"}</tool_call>`, "", []call{{"now", `{"a": [true]}`}}},
	{"unknown function", toolcall.Hermes, `<tool_call>{"name": "other", "arguments": {}}</tool_call>`, "", []call{{"other", "{}"}}},
	{"no arguments", toolcall.Hermes, `<tool_call>{"name": "now"}</tool_call>`, "", []call{{"now", "{}"}}},
	{"null arguments", toolcall.Hermes, `<tool_call>{"name": "now", "arguments": null}</tool_call>`, "", []call{{"now", "{}"}}},
	{"arguments in a string", toolcall.Hermes, `<tool_call>{"name": "now", "arguments": "{\"a\": \"\\n\"}"}</tool_call>`, "", []call{{"now", `{"a": "\n"}`}}},
	{"a list in a string", toolcall.Hermes, `<tool_call>{"name": "now", "arguments": "[]"}</tool_call>`, `<tool_call>{"name": "now", "arguments": "[]"}</tool_call>`, nil},
	{"arguments are a list", toolcall.Hermes, `<tool_call>{"name": "now", "arguments": [1]}</tool_call>`, `<tool_call>{"name": "now", "arguments": [1]}</tool_call>`, nil},
	{"name is a number", toolcall.Hermes, `<tool_call>{"name": 1, "arguments": {}}</tool_call>`, `<tool_call>{"name": 1, "arguments": {}}</tool_call>`, nil},
	{"no name", toolcall.Hermes, `a <tool_call>{"arguments": {}}</tool_call>`, `a <tool_call>{"arguments": {}}</tool_call>`, nil},
	{"not JSON", toolcall.Hermes, "say <tool_call>\nweather()\n</tool_call>!", "say <tool_call>\nweather()\n</tool_call>!", nil},
	{"bad, then good", toolcall.Hermes, "<tool_call>{<tool_call>{\"name\": \"now\"}</tool_call>", "<tool_call>{", []call{{"now", "{}"}}},
	{"brace is missing", toolcall.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": 1}\n</tool_call> x", "x", []call{{"now", `{"a": 1}`}}},
	{"brace too many", toolcall.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": {}}}</tool_call>", "}</tool_call>", []call{{"now", "{}"}}},
	{"breaks in arguments", toolcall.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": 01}} no", "1}} no", []call{{"now", `{"a": 0`}}},
	{"cut in arguments", toolcall.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"x", "", []call{{"now", `{"a": "x`}}},
	{"cut in the name", toolcall.Hermes, "a <tool_call>{\"name\": \"no", "a <tool_call>{\"name\": \"no", nil},
	{"cut in the mark", toolcall.Hermes, "a <tool_ca", "a <tool_ca", nil},
	{"cut in the end", toolcall.Hermes, "<tool_call>{\"name\": \"now\"}</tool", "", []call{{"now", "{}"}}},
	{"nearly a mark", toolcall.Hermes, "<<tool_<tool_call>{\"name\": \"now\"}</tool_call>", "<<tool_", []call{{"now", "{}"}}},
	{"much space", toolcall.Hermes, strings.Repeat(" ", 100) + "<tool_call>{\"name\": \"now\"}</tool_call>", strings.Repeat(" ", 65), []call{{"now", "{}"}}},

	{"bare", toolcall.Llama3, `{"name": "weather", "parameters": ` + weather + `}`, "", []call{{"weather", weather}}},
	{"with a tag", toolcall.Llama3, `<|python_tag|>{"name": "weather", "parameters": {}}`, "", []call{{"weather", "{}"}}},
	{"with a type", toolcall.Llama3, ` {"type": "function", "name": "now", "parameters": {}}`, "", []call{{"now", "{}"}}},
	{"two", toolcall.Llama3, `{"name": "now", "parameters": {}}; {"name": "weather", "parameters": {"a":"b"}}`, "", []call{{"now", "{}"}, {"weather", `{"a":"b"}`}}},
	{"an answer in JSON", toolcall.Llama3, `{"name": "Bob", "parameters": {}}`, `{"name": "Bob", "parameters": {}}`, nil},
	{"another answer in JSON", toolcall.Llama3, `{"city": "Rome"}`, `{"city": "Rome"}`, nil},
	{"later JSON", toolcall.Llama3, `It is {"name": "now", "parameters": {}}`, `It is {"name": "now", "parameters": {}}`, nil},
	{"code", toolcall.Llama3, `<|python_tag|>print(1)`, `<|python_tag|>print(1)`, nil},
	{"content behind", toolcall.Llama3, "{\"name\": \"now\", \"parameters\": {}}\n\nok; {}", "ok; {}", []call{{"now", "{}"}}},

	{"list", toolcall.Mistral, `[TOOL_CALLS] [{"name": "weather", "arguments": ` + weather + `, "id": "a1b2c3d4e"}]`, "", []call{{"weather", weather}}},
	{"list of two", toolcall.Mistral, `Yes. [TOOL_CALLS][{"name": "now", "arguments": {}}, {"arguments": {"a": 1}, "name": "weather"}]`, "Yes.", []call{{"now", "{}"}, {"weather", `{"a": 1}`}}},
	{"names before", toolcall.Mistral, `[TOOL_CALLS]now[ARGS]{}[TOOL_CALLS]find.all[ARGS]` + weather, "", []call{{"now", "{}"}, {"find.all", weather}}},
	{"ids too", toolcall.Mistral, `[TOOL_CALLS]now[CALL_ID]a1b2c3d4e[ARGS] {"a": 1}`, "", []call{{"now", `{"a": 1}`}}},
	{"no ARGS", toolcall.Mistral, `[TOOL_CALLS]now{"a": 1}`, "", []call{{"now", `{"a": 1}`}}},
	{"other brackets", toolcall.Mistral, `[TOOL_CALLS]now[B]{"a": 1}`, `[TOOL_CALLS]now[B]{"a": 1}`, nil},
	{"broken behind a name", toolcall.Mistral, `[TOOL_CALLS]now[ARGS]{"a": x}`, `x}`, []call{{"now", `{"a": `}}},
	{"long name", toolcall.Mistral, `[TOOL_CALLS]` + strings.Repeat("a", 300) + "{}", `[TOOL_CALLS]` + strings.Repeat("a", 300) + "{}", nil},

	{"bare JSON", toolcall.Plain, `{"name": "weather", "parameters": {"a": 1}}`, "", []call{{"weather", `{"a": 1}`}}},
	{"as in Python", toolcall.Plain, `[weather(city='Köln "a" 😀', days=[1, -.5, True, None], x={'k': (1,)}), now()]`, "", []call{{"weather", `{"city": "Köln \"a\" 😀", "days": [1, -0.5, true, null], "x": {"k": [1]}}`}, {"now", "{}"}}},
	{"code block", toolcall.Plain, "I look:\n```tool_code\nweather(city=\"a\\n\\u00e9\\q\",)\nnow()\n```\n", "I look:", []call{{"weather", `{"city": "a\né\\q"}`}, {"now", "{}"}}},
	{"JSON block", toolcall.Plain, "```json\n{\"name\": \"now\", \"parameters\": {}}\n```", "", []call{{"now", "{}"}}},
	{"JSON list in a block", toolcall.Plain, "```tool_code\n[{\"name\": \"now\", \"parameters\": {}}]\n```", "", []call{{"now", "{}"}}},
	{"other JSON block", toolcall.Plain, "```json\n{\"name\": \"Bob\"}\n```", "```json\n{\"name\": \"Bob\"}\n```", nil},
	{"a list", toolcall.Plain, "[1, 2]", "[1, 2]", nil},
	{"a reference", toolcall.Plain, "[now] is [weather](x)", "[now] is [weather](x)", nil},
	{"unknown in Python", toolcall.Plain, "[print(a=1)]", "[print(a=1)]", nil},
	{"positional", toolcall.Plain, "[weather('Rome')]", "[weather('Rome')]", nil},
	{"an expression", toolcall.Plain, "[weather(a=1+b)]", "[weather(a=1+b)]", nil},
	{"cut in Python", toolcall.Plain, "[weather(a='x", "[weather(a='x", nil},
	{"print", toolcall.Plain, "```tool_code\nprint(now())\n```", "```tool_code\nprint(now())\n```", nil},
	{"unknown format", toolcall.Unknown, `<tool_call>{"name": "now"}`, `<tool_call>{"name": "now"}`, nil},
}

func TestAnswers(t *testing.T) {
	for _, a := range answers {
		t.Run(string(a.format)+" "+a.name, func(t *testing.T) {
			content, calls := read(t, toolcall.NewParser(a.format, names, false), a.text)
			if content != a.content || !reflect.DeepEqual(calls, a.calls) {
				t.Errorf("content %q, calls %q\nwant    %q, calls %q", content, calls, a.content, a.calls)
			}
		})
	}
}

// split cuts text into pieces of whole characters.
func split(text string, draw func(n int) int) []string {
	var out []string
	runes := []rune(text)
	for len(runes) > 0 {
		n := 1 + draw(len(runes))
		out, runes = append(out, string(runes[:n])), runes[n:]
	}
	return out
}

// Any cut of an answer gives the same content and calls.
func TestCuts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, a := range answers {
		for i := range 30 {
			most := 1 + i/4
			pieces := split(a.text, func(n int) int { return min(r.IntN(most), n-1) })
			content, calls := read(t, toolcall.NewParser(a.format, names, false), pieces...)
			if content != a.content || !reflect.DeepEqual(calls, a.calls) {
				t.Fatalf("%s %q: content %q, calls %q", a.name, pieces, content, calls)
			}
		}
	}
}

// Arguments and content are told as soon as they are known.
func TestStreams(t *testing.T) {
	p := toolcall.NewParser(toolcall.Hermes, names, false)
	for _, s := range []struct {
		push, content string
		calls         []toolcall.Delta
	}{
		{"Well ", "Well", nil},
		{"then <", " then", nil},
		{"b> <tool_call", " <b>", nil},
		{">{\"name\": \"now\", \"arguments\"", "", nil},
		{": {\"a\": ", "", []toolcall.Delta{{Index: 0, Name: "now", Arguments: `{"a": `}}},
		{"1", "", []toolcall.Delta{{Index: 0, Arguments: "1"}}},
		{"}}</tool_call><tool_call>{\"arguments\": {}", "", []toolcall.Delta{{Index: 0, Arguments: "}"}}},
		{", \"name\": \"weather\"", "", []toolcall.Delta{{Index: 1, Name: "weather", Arguments: "{}"}}},
	} {
		content, calls := p.Push(s.push)
		if content != s.content || !reflect.DeepEqual(calls, s.calls) {
			t.Errorf("%q: content %q, calls %+v", s.push, content, calls)
		}
	}
	if p.Calls() != 2 || p.Done() {
		t.Errorf("%d calls, done %v", p.Calls(), p.Done())
	}
}

// A parser that wants one call ends with it.
func TestOne(t *testing.T) {
	for _, a := range answers {
		if len(a.calls) < 2 {
			continue
		}
		p := toolcall.NewParser(a.format, names, true)
		if _, calls := read(t, p, a.text); !p.Done() || !reflect.DeepEqual(calls, a.calls[:1]) {
			t.Errorf("%s: done %v, calls %q", a.name, p.Done(), calls)
		}
	}
}

// What is held back is bounded, and so is the work on text that looks like calls.
func TestBounds(t *testing.T) {
	for name, text := range map[string]string{
		"endless string": `<tool_call>{"x": "` + strings.Repeat("y", 100<<10),
		"nested marks":   strings.Repeat(`<tool_call>{"x": "`, 4<<10),
		"endless space":  "<tool_call>" + strings.Repeat("\n", 100<<10),
		"deep":           `<tool_call>{"x": ` + strings.Repeat("[", 1000),
	} {
		p := toolcall.NewParser(toolcall.Hermes, names, false)
		content, _ := p.Push(text)
		if len(text)-len(content) > 70<<10 {
			t.Errorf("%s: %d of %d bytes are held", name, len(text)-len(content), len(text))
		}
		if rest, calls := p.Flush(); content+rest != text || calls != nil {
			t.Errorf("%s: %d bytes became %d, and %d calls", name, len(text), len(content+rest), len(calls))
		}
	}
	many := strings.Repeat(`<tool_call>{"name": "now"}</tool_call>`, 130)
	content, calls := read(t, toolcall.NewParser(toolcall.Hermes, names, false), many)
	if len(calls) != 128 || content != `<tool_call>{"name": "now"}</tool_call><tool_call>{"name": "now"}</tool_call>` {
		t.Errorf("%d calls, content %q", len(calls), content)
	}
}

// FuzzParser holds for any text: a cut changes nothing, content is of the text in its
// order, without calls it is the whole text, and arguments that ended are JSON.
func FuzzParser(f *testing.F) {
	formats := []toolcall.Format{toolcall.Hermes, toolcall.Llama3, toolcall.Mistral, toolcall.Plain}
	for _, a := range answers {
		f.Add(a.text, uint64(len(a.text)))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		text = strings.ToValidUTF8(text, "?")
		r := rand.New(rand.NewPCG(seed, 1))
		for _, format := range formats {
			content, calls := read(t, toolcall.NewParser(format, names, false), text)
			again, same := read(t, toolcall.NewParser(format, names, false), split(text, func(n int) int { return r.IntN(n) })...)
			if again != content || !reflect.DeepEqual(calls, same) {
				t.Fatalf("%s: %q %q, cut %q %q", format, content, calls, again, same)
			}
			if len(calls) == 0 && content != text {
				t.Fatalf("%s: content %q of %q", format, content, text)
			}
			if !isSubsequence(content, text) {
				t.Fatalf("%s: content %q is not in %q", format, content, text)
			}
			for i, c := range calls {
				if c.name == "" || !strings.HasPrefix(c.arguments, "{") {
					t.Fatalf("%s: call %q", format, c)
				}
				var object map[string]any
				if whole := strings.HasSuffix(c.arguments, "}") && i < len(calls)-1 && content == ""; whole && json.Unmarshal([]byte(c.arguments), &object) != nil {
					t.Fatalf("%s: arguments %q", format, c.arguments)
				}
			}
		}
	})
}

func isSubsequence(part, whole string) bool {
	for _, c := range []byte(part) {
		at := strings.IndexByte(whole, c)
		if at < 0 {
			return false
		}
		whole = whole[at+1:]
	}
	return true
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		template string
		want     toolcall.Format
	}{
		{"{% if tools %}<tools>{% endif %} <tool_call>\n", toolcall.Hermes},
		{"{% if tools %}<tool_call>\n<function=", toolcall.Unknown},
		{"{{ tools }}[TOOL_CALLS]", toolcall.Mistral},
		{"{{ tools }}[TOOL_CALLS]{{ name }}[ARGS]", toolcall.MistralArgs},
		{"{{ tools }}<|start_header_id|>{% if builtin_tools %}<|python_tag|>", toolcall.Llama3},
		{"<|start_header_id|>", toolcall.Plain},
		{"<start_of_turn>", toolcall.Plain},
		{"{{ tools }}<start_of_turn>", toolcall.Plain},
		{"{{ tools }}<start_of_turn><start_function_call>", toolcall.Unknown},
		{"<|im_start|>", toolcall.Plain},
		{"{{ tools }}<|tool_calls_begin|>", toolcall.Unknown},
	} {
		if got := toolcall.Detect(c.template); got != c.want {
			t.Errorf("%q: %q, want %q", c.template, got, c.want)
		}
	}
}

// What a spelling writes is read back as the same calls.
func TestSpellings(t *testing.T) {
	calls := []call{{"weather", weather}, {"now", "{}"}}
	for _, f := range []toolcall.Format{toolcall.Hermes, toolcall.Llama3, toolcall.Mistral, toolcall.MistralArgs, toolcall.Plain} {
		s, ok := f.Spelling()
		if !ok || !s.Bare && len(s.Marks) == 0 {
			t.Fatalf("%s: %+v", f, s)
		}
		var texts []string
		for _, c := range calls {
			texts = append(texts, s.Before+c.name+s.Middle+c.arguments+s.After)
		}
		text := s.Open + strings.Join(texts, s.Between) + s.Close
		if content, got := read(t, toolcall.NewParser(f, names, false), text); content != "" || !reflect.DeepEqual(got, calls) {
			t.Errorf("%s: %q gives %q and %q", f, text, content, got)
		}
	}
	if _, ok := toolcall.Unknown.Spelling(); ok {
		t.Error("an unknown format is spelled")
	}
}

func TestNames(t *testing.T) {
	got, err := toolcall.Names([]byte(`[{"type":"function","function":{"name":"a"}},{"function":{"name":"b"}}]`))
	if err != nil || !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{`{}`, `[{}]`, `[`} {
		if _, err := toolcall.Names([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func ExampleParser() {
	p := toolcall.NewParser(toolcall.Hermes, []string{"now"}, false)
	for _, piece := range []string{"Let me see. <tool", "_call>{\"name\": \"now\", \"arguments\": {\"zone", "\": \"CET\"}}</tool_call>"} {
		content, calls := p.Push(piece)
		fmt.Printf("%q %+v\n", content, calls)
	}
	// Output:
	// "Let me see." []
	// "" [{Index:0 Name:now Arguments:{"zone}]
	// "" [{Index:0 Name: Arguments:": "CET"}}]
}
