package all_test

import (
	"fmt"

	"github.com/troikaml/troika/model/all"
)

func ExampleArchitectures() {
	for _, a := range all.Architectures() {
		fmt.Println(a.ModelType)
	}
	// Output:
	// llama
	// mistral
	// qwen2
	// qwen3
	// qwen3_moe
	// gemma3_text
	// bert
	// xlm-roberta
}
