package dataset_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
)

func TestReadChat(t *testing.T) {
	in := `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello","weight":0},{"role":"user","content":"你好"},{"role":"assistant","weight":1,"content":"你好！","mood":"glad"}]}

{"messages":[{"role":"user","content":[{"type":"text","text":"2+2?"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]},{"role":"tool","tool_call_id":"1","content":""},{"role":"assistant","content":"4","weight":null}],"tools":[{"type":"function","function":{"name":"add"}}],"parallel_tool_calls":false}
`
	got, err := dataset.ReadChat(strings.NewReader(in), "a.jsonl")
	if err != nil || len(got) != 2 {
		t.Fatalf("%d examples, %v", len(got), err)
	}
	if e := got[0]; e.Name != "a.jsonl:1" || !reflect.DeepEqual(e.Weights, []int{0, 0, 0, 0, 1}) || e.Tools != nil || e.Messages[4].Content != "你好！" {
		t.Errorf("first example: %+v", e)
	}
	e := got[1]
	if e.Name != "a.jsonl:3" || !reflect.DeepEqual(e.Weights, []int{0, 1, 0, 1}) || !bytes.Contains(e.Tools, []byte(`"add"`)) {
		t.Errorf("second example: %+v", e)
	}
	if m := e.Messages[1]; !m.NoContent || !bytes.Contains(m.ToolCalls, []byte(`"add"`)) {
		t.Errorf("a message with tool calls: %+v", m)
	}
	// The template sees the message without its weight, keys in their order.
	v, err := got[0].Messages[4].Value(false)
	if err != nil {
		t.Fatal(err)
	}
	dict, _ := v.Dict()
	var keys []string
	for i := range dict.Len() {
		k, _ := dict.At(i)
		s, _ := k.Str()
		keys = append(keys, s)
	}
	if want := []string{"role", "content", "mood"}; !reflect.DeepEqual(keys, want) {
		t.Errorf("the template sees %q, want %q", keys, want)
	}
}

func TestReadChatNamesEveryWrongLine(t *testing.T) {
	const user, answer = `{"role":"user","content":"q"}`, `{"role":"assistant","content":"a"}`
	lines := []struct{ line, want string }{
		{`{"messages":[` + user + `,` + answer + `]}`, ""},
		{`{"messages":[` + user + `]}`, "no assistant message: there is nothing to learn"},
		{`{"messages":[` + user + `,{"role":"assistant","content":"a","weight":0}]}`, "every assistant message has weight 0: there is nothing to learn"},
		{`{"messages":[]}`, `"messages" is empty`},
		{`{"messages":null}`, `"messages" is missing`},
		{`{}`, `"messages" is missing`},
		{`{"text":"a","label":"b"}`, `"messages" is missing; a line with "text" and "label" is a document, not a chat`},
		{`{"messages":"hello"}`, `field "messages" is a JSON string`},
		{`{"messages":[` + user, "broken JSON at byte 42: unexpected end of JSON input"},
		{`[1]`, "not a JSON object"},
		{`hello`, "not a JSON object"},
		{"{\"messages\":\"\xff\"}", "byte 14 is not UTF-8"},
		{`{"messages":["hi"]}`, "message 1: not a JSON object"},
		{`{"messages":[null]}`, "message 1: not a JSON object"},
		{`{"messages":[` + answer + `,{"content":"a"}]}`, "message 2: role is missing"},
		{`{"messages":[` + answer + `,{"role":7}]}`, "message 2: role must be a string"},
		{`{"messages":[{"role":"bot","content":"a"}]}`, `message 1: role "bot" is not known: want system, developer, user, assistant or tool`},
		{`{"messages":[{"role":"assistant","content":" \n"}]}`, "message 1: the assistant message is empty"},
		{`{"messages":[{"role":"assistant"}]}`, "message 1: the assistant message is empty"},
		{`{"messages":[{"role":"user","content":null},` + answer + `]}`, "message 1: the user message is empty"},
		{`{"messages":[{"role":"user","content":5},` + answer + `]}`, "message 1: content must be a string or an array"},
		{`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]},` + answer + `]}`, `message 1: part 1 of "content" has type "image_url": only text is learned`},
		{`{"messages":[{"role":"user","content":["x"]},` + answer + `]}`, `message 1: "content" must be a string or an array of parts`},
		{`{"messages":[{"role":"user","content":"q","weight":1},` + answer + `]}`, `message 1: "weight" on a message of role "user": only assistant messages are learned`},
		{`{"messages":[{"role":"assistant","content":"q","weight":0.5}]}`, `message 1: "weight" is 0.5, want 0 or 1`},
		{`{"messages":[{"role":"assistant","content":"q","weight":"1"}]}`, `message 1: "weight" is "1", want 0 or 1`},
		{`{"messages":[{"role":"user","content":"q","tool_calls":[{}]},` + answer + `]}`, `message 1: "tool_calls" on a message of role "user"`},
		{`{"messages":[{"role":"assistant","tool_calls":[1]}]}`, `message 1: "tool_calls" must be an array of objects`},
		{`{"messages":[{"role":"assistant","function_call":{"name":"x"}}]}`, `message 1: "function_call" is OpenAI's old form and not read: use "tool_calls"`},
		{`{"messages":[` + answer + `],"functions":[{}]}`, `"functions" is OpenAI's old form and not read: use "tools"`},
		{`{"messages":[` + answer + `],"tools":{}}`, `"tools" must be an array of objects`},
		{`{"messages":[` + answer + `]}x`, `broken JSON at byte 50: invalid character 'x' after top-level value`},
		{`{"messages":[` + answer + `],"x":"` + strings.Repeat("y", dataset.MaxChatLine) + `"}`, "line too long: 16777272 bytes, the limit is 16777216"},
	}
	var in strings.Builder
	for _, l := range lines {
		in.WriteString(l.line + "\n")
	}
	examples, err := dataset.ReadChat(strings.NewReader(in.String()), "f.jsonl")
	var failures refine.Failures
	if !errors.As(err, &failures) || examples != nil {
		t.Fatalf("%d examples, %v", len(examples), err)
	}
	got := map[int]string{}
	for _, f := range failures {
		got[f.Line] = f.Err.Error()
	}
	for i, l := range lines {
		if got[i+1] != l.want {
			t.Errorf("line %d: %.80s\n got %q\nwant %q", i+1, l.line, got[i+1], l.want)
		}
	}
	if !strings.HasPrefix(err.Error(), "read examples: 32 skipped\nf.jsonl:2: no assistant") {
		t.Errorf("error: %.100s", err)
	}
	if _, err := dataset.ReadChat(strings.NewReader("\n\n"), "f"); err == nil {
		t.Error("an empty file passed")
	}
}

func TestPreferences(t *testing.T) {
	const (
		input  = `"input":{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"},{"role":"user","content":"more"}],"tools":[{"type":"function"}],"parallel_tool_calls":true}`
		better = `"preferred_output":[ {"role":"assistant","content":"b"} ]`
		worse  = `"non_preferred_output":[{"role":"assistant","content":"w"}]`
	)
	examples, err := dataset.ReadChat(strings.NewReader("{"+input+","+better+","+worse+"}"), "f")
	if err != nil {
		t.Fatal(err)
	}
	v, err := dataset.FromChats(map[string][]dataset.Example{dataset.Train: examples})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := v.Examples(dataset.Train, dataset.Prompt{})
	if err != nil {
		t.Fatal(err)
	}
	record, err := json.Marshal(v.Split(dataset.Train)[0])
	if err != nil {
		t.Fatal(err)
	}
	exported, err := dataset.ReadChat(bytes.NewReader(record), "exported")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []dataset.Example{examples[0], stored[0], exported[0]} {
		if len(e.Messages) != 4 || e.Messages[3].Content != "b" || len(e.Rejected) != 1 || e.Rejected[0].Content != "w" || len(e.Tools) == 0 {
			t.Fatalf("%s: %+v", e.Name, e)
		}
		for i, one := range e.Pair() {
			if want := []string{"b", "w"}[i]; one.Messages[3].Content != want || one.Rejected != nil || !slices.Equal(one.Weights, []int{0, 0, 0, 1}) {
				t.Errorf("%s, output %d: %+v", e.Name, i, one)
			}
		}
	}
	for line, want := range map[string]string{
		better + "," + worse: `"input" has no "messages"`,
		input + "," + better: `a preference has a "preferred_output" and a "non_preferred_output"`,
		input + "," + better + `,"non_preferred_output":[{"role":"assistant","content":"b"}]`:                                    "both outputs are the same: there is nothing to prefer",
		input + "," + better + `,"non_preferred_output":[{"role":"user","content":"w"}]`:                                         "both outputs of a preference are messages of the assistant",
		input + "," + better + `,"non_preferred_output":[{"role":"assistant","content":" "}]`:                                    "worse output: the assistant message is empty",
		input + "," + better + `,"non_preferred_output":[{"role":"assistant","content":"w"},{"role":"assistant","content":"x"}]`: "the worse output has 2 messages, want one",
		input + "," + worse + `,"preferred_output":[{"role":"assistant","content":"b"},{"role":"assistant","content":"x"}]`:      "the preferred output has several messages, or follows one of the assistant: want one",
		`"messages":[{"role":"assistant","content":"b"}],"rejected":[{"role":"assistant","content":"w"}]`:                        "a preference needs a question before its outputs",
	} {
		_, err := dataset.ReadChat(strings.NewReader("{"+line+"}"), "f")
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func FuzzReadChat(f *testing.F) {
	f.Add([]byte(`{"input":{"messages":[{"role":"user","content":"q"}]},"preferred_output":[{"role":"assistant","content":"b"}],"non_preferred_output":[{"role":"assistant","content":"w"}]}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","weight":1}],"tools":[{}]}`))
	f.Add([]byte(`{"messages":[{"weight":1,"role":"assistant","role":"user","content":[{"type":"text","text":"x"}]}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		examples, err := dataset.ReadChat(bytes.NewReader(in), "f")
		if (err == nil) != (len(examples) > 0) {
			t.Errorf("%d examples, %v", len(examples), err)
		}
		if len(examples) > 0 {
			v, err := dataset.FromChats(map[string][]dataset.Example{dataset.Train: examples})
			if err != nil {
				t.Fatal(err)
			}
			back, err := v.Examples(dataset.Train, dataset.Prompt{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range back {
				alike(t, back[i], examples[i])
			}
		}
		for _, e := range examples {
			if len(e.Weights) != len(e.Messages) {
				t.Errorf("%d weights for %d messages", len(e.Weights), len(e.Messages))
			}
			for i := range e.Messages {
				v, err := e.Messages[i].Value(true)
				if err != nil {
					t.Errorf("a message that was read cannot be shown: %v", err)
				}
				if dict, ok := v.Dict(); ok {
					if _, has := dict.Get("weight"); has {
						t.Error("the template sees a weight")
					}
				}
			}
		}
	})
}

func TestPromptRoundTrip(t *testing.T) {
	p := dataset.Prompt{System: "Answer with one word.", Instruction: "Which area?"}
	examples := []dataset.Example{
		p.Example(dataset.Record{ID: "a", Text: "Cut slices <s> & \"sep\".", Label: "text"}),
		p.Example(dataset.Record{ID: "b", Text: "第一行\n第二行", Label: "数学"}),
	}
	var b bytes.Buffer
	if err := dataset.WriteChat(&b, examples); err != nil {
		t.Fatal(err)
	}
	const want = `{"messages":[{"role":"system","content":"Answer with one word."},{"role":"user","content":"Which area?\n\nCut slices <s> & \"sep\"."},{"role":"assistant","content":"text"}]}` + "\n"
	if first, _, _ := strings.Cut(b.String(), "\n"); first+"\n" != want {
		t.Errorf("wrote %s\nwant %s", first, want)
	}
	back, err := dataset.ReadChat(&b, "x")
	if err != nil || len(back) != 2 {
		t.Fatal(back, err)
	}
	for i := range back {
		for k := range back[i].Messages {
			got, want := back[i].Messages[k], examples[i].Messages[k]
			if got.Role != want.Role || got.Content != want.Content || back[i].Weights[k] != examples[i].Weights[k] {
				t.Errorf("example %d, message %d: %+v, want %+v", i, k, got, want)
			}
		}
	}
	if n := len(dataset.Prompt{}.Messages("x")); n != 1 {
		t.Errorf("%d messages of an empty prompt, want the text alone", n)
	}
	tools := dataset.Example{Name: "t", Tools: []byte("[{}]"), Messages: examples[0].Messages}
	if err := dataset.WriteChat(&b, []dataset.Example{tools}); err == nil {
		t.Error("tools were left off without a word")
	}
}

func ExamplePrompt() {
	p := dataset.Prompt{Instruction: "Is it a fruit?"}
	for _, m := range p.Example(dataset.Record{ID: "1", Text: "Apple", Label: "yes"}).Messages {
		fmt.Printf("%s: %q\n", m.Role, m.Content)
	}
	// Output:
	// user: "Is it a fruit?\n\nApple"
	// assistant: "yes"
}
