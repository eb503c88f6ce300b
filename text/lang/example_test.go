package lang_test

import (
	"fmt"

	"github.com/troikaml/troika/text/lang"
)

func Example() {
	for _, s := range []string{
		"The tuned model must be better than the one it came from.",
		"Das abgestimmte Modell muss besser sein als das, von dem es stammt.",
		"调整后的模型必须比原来的模型更好。",
		"調整後的模型必須比原來的模型更好。",
		"1234",
	} {
		fmt.Println(lang.Identify(s).Lang)
	}
	// Output:
	// en
	// de
	// zh-Hans
	// zh-Hant
	// und
}
