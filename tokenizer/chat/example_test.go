package chat_test

import (
	"fmt"

	"github.com/troikaml/troika/tokenizer/chat"
)

const source = `{% for m in messages %}
<|{{ m.role }}|>
{{ m.content }}<|end|>
{% endfor %}
{% if add_generation_prompt %}
<|assistant|>
{% endif %}`

func Example() {
	t, err := chat.Parse("example", source)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := t.Render(chat.Input{
		Messages:            []chat.Message{{Role: "user", Content: "Hello"}},
		AddGenerationPrompt: true,
	})
	fmt.Printf("%q %v\n", text, err)
	// Output: "<|user|>\nHello<|end|>\n<|assistant|>\n" <nil>
}

func ExampleTemplate_Turns() {
	t, err := chat.Parse("example", source)
	if err != nil {
		fmt.Println(err)
		return
	}
	turns, err := t.Turns(chat.Input{Messages: []chat.Message{
		{Role: "user", Content: "1+1?"},
		{Role: "assistant", Content: "2"},
		{Role: "user", Content: "Sure?"},
		{Role: "assistant", Content: "Yes."},
	}})
	for _, turn := range turns {
		fmt.Printf("%d: %d bytes, then %q\n", turn.Message, len(turn.Prompt), turn.Completion)
	}
	fmt.Println(err)
	// Output:
	// 1: 35 bytes, then "2<|end|>"
	// 3: 80 bytes, then "Yes.<|end|>"
	// <nil>
}
