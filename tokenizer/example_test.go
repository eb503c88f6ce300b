package tokenizer_test

import (
	"fmt"
	"os"

	"github.com/troikaml/troika/tokenizer"
)

func Example() {
	f, err := os.Open("testdata/qwen2.tokenizer.json")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	t, err := tokenizer.Load(f)
	if err != nil {
		panic(err)
	}
	ids := t.Encode("<|im_start|>Three horses, one carriage", true)
	fmt.Println(len(ids), t.IsSpecial(ids[0]))
	fmt.Println(t.Decode(ids, true))

	// Text from a stranger cannot open a turn.
	fmt.Println(len(t.EncodeOrdinary("<|im_start|>")) > 1)

	// A character of several tokens appears once it is whole.
	d := t.NewDecoder(true)
	for _, id := range t.EncodeOrdinary("😴") {
		fmt.Printf("%q ", d.Push(id))
	}
	fmt.Printf("%q\n", d.Flush())
	// Output:
	// 12 true
	// Three horses, one carriage
	// true
	// "" "" "😴" ""
}
