package local_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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

// families are beginnings of templates that make the starter one of a family.
var families = map[string]string{
	"plain":        "",
	"hermes":       "{#- tools <tool_call> -#}",
	"llama3":       "{#- tools <|start_header_id|> -#}",
	"mistral":      "{#- tools [TOOL_CALLS] -#}",
	"mistral-args": "{#- tools [TOOL_CALLS] [ARGS] -#}",
}

// starterOf copies the starter with another template, and with the mark of Mistral as a
// special token in place of one that is not used.
func starterOf(t *testing.T, template string) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob(starterDir + "/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Base(name) {
		case "chat_template.jinja":
			data = append([]byte(template), data...)
		case "tokenizer.json", "tokenizer_config.json":
			data = []byte(strings.ReplaceAll(string(data), "<|endoftext|>", "[TOOL_CALLS]"))
		case "generation_config.json":
			data = []byte(strings.Replace(string(data), ", 8189", "", 1))
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const citySchema = `{"type":"object","properties":{"city":{"type":"string","maxLength":12},"days":{"type":"integer","minimum":1,"maximum":9},
	"at":{"$ref":"#/$defs/place"}},"required":["city","days"],"additionalProperties":false,
	"$defs":{"place":{"type":"array","items":{"enum":["here","there"]},"maxItems":2}}}`

func withTools(model string, seed int64, strict bool) openai.ChatCompletionNewParams {
	var schema shared.FunctionParameters
	if err := json.Unmarshal([]byte(citySchema), &schema); err != nil {
		panic(err)
	}
	return openai.ChatCompletionNewParams{
		Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("How is the weather?")},
		Temperature: openai.Float(1), Seed: openai.Int(seed), MaxCompletionTokens: openai.Int(160),
		Tools: []openai.ChatCompletionToolUnionParam{
			openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "weather", Parameters: schema, Strict: openai.Bool(strict)}),
			openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "now"}),
		},
	}
}

func checkCalls(t *testing.T, valid *jsonschema.Resolved, choice openai.ChatCompletionChoice, names ...string) {
	t.Helper()
	if choice.FinishReason != "tool_calls" || choice.Message.Content != "" || len(choice.Message.ToolCalls) == 0 {
		t.Fatalf("choice %s", choice.RawJSON())
	}
	for _, call := range choice.Message.ToolCalls {
		var arguments map[string]any
		if err := json.Unmarshal([]byte(call.Function.Arguments), &arguments); err != nil {
			t.Fatalf("arguments %q: %v", call.Function.Arguments, err)
		}
		switch {
		case !strings.Contains(strings.Join(names, " "), call.Function.Name):
			t.Errorf("call of %s, want one of %v", call.Function.Name, names)
		case call.Function.Name == "now" && len(arguments) != 0:
			t.Errorf("arguments %s, want none", call.Function.Arguments)
		case call.Function.Name == "weather":
			if err := valid.Validate(arguments); err != nil {
				t.Errorf("arguments %s: %v", call.Function.Arguments, err)
			}
		}
	}
}

// However wild the draw, and in whichever family's way: a call that is asked for comes,
// of a function that may be called, with arguments that are valid by another's judgement.
func TestToolChoice(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 2})
	t.Cleanup(dev.Close)
	e := local.New(dev, local.Options{Known: all.Architectures(), Context: 1024})
	t.Cleanup(e.Close)
	if err := e.AddBase("unknown", starterOf(t, "{#- tools <|strange_calls_begin|> -#}")); err != nil {
		t.Fatal(err)
	}
	for name, template := range families {
		if err := e.AddBase(name, starterOf(t, template)); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range e.Models() {
		if string(m.Tools) != m.ID && (m.Tools != "" || m.ID != "unknown") {
			t.Fatalf("%s writes calls as %q", m.ID, m.Tools)
		}
	}
	s, err := serve.New(e, serve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	c := openai.NewClient(option.WithBaseURL(web.URL+"/v1"), option.WithAPIKey("any"), option.WithMaxRetries(0))
	var schema jsonschema.Schema
	if err := json.Unmarshal([]byte(citySchema), &schema); err != nil {
		t.Fatal(err)
	}
	valid, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Chat.Completions.New(t.Context(), withTools("unknown", 1, false))
	if api, ok := errors.AsType[*openai.Error](err); !ok || api.StatusCode != http.StatusBadRequest {
		t.Errorf("tools of a model that has them in an unknown way: %v", err)
	}
	p := withTools("plain", 1, true)
	p.Tools[1].OfFunction.Function = shared.FunctionDefinitionParam{Name: "now", Strict: openai.Bool(true), Parameters: shared.FunctionParameters{"unevaluatedItems": map[string]any{}}}
	_, err = c.Chat.Completions.New(t.Context(), p)
	if api, ok := errors.AsType[*openai.Error](err); !ok || api.Param != "tools[1].function.parameters" || !strings.Contains(api.Message, "'unevaluatedItems'") {
		t.Errorf("a strict schema that cannot be held to: %v", err)
	}
	for family := range families {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			for _, seed := range []int64{0, 2} {
				p := withTools(family, seed, true)
				p.ParallelToolCalls = openai.Bool(seed == 2)
				p.ToolChoice.OfAuto = openai.String("required")
				got, err := c.Chat.Completions.New(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				if got.Choices[0].FinishReason == "length" && seed == 2 {
					continue // it went on calling
				}
				checkCalls(t, valid, got.Choices[0], "weather", "now")
				if n := len(got.Choices[0].Message.ToolCalls); n != 1 && seed != 2 {
					t.Errorf("%d calls, want one", n)
				}
				p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "weather"})
				stream := c.Chat.Completions.NewStreaming(t.Context(), p)
				var acc openai.ChatCompletionAccumulator
				for stream.Next() {
					acc.AddChunk(stream.Current())
				}
				if err := stream.Err(); err != nil {
					t.Fatal(err)
				}
				checkCalls(t, valid, acc.Choices[0], "weather")
			}
			// With auto and a strict function, whatever is called is called well.
			p := withTools(family, 1, true)
			p.MaxCompletionTokens = openai.Int(60)
			got, err := c.Chat.Completions.New(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if choice := got.Choices[0]; choice.FinishReason == "tool_calls" {
				checkCalls(t, valid, choice, "weather", "now")
			} else if strings.Contains(choice.Message.Content, "[TOOL_CALLS]") || choice.Message.Content == "" {
				t.Errorf("content %q", choice.Message.Content)
			}
		})
	}
}
