package troika_test

import (
	"fmt"

	"github.com/troikaml/troika"
)

func ExampleSum() {
	d := troika.Sum([]byte("troika"))
	back, err := troika.ParseDigest(d.String())
	fmt.Println(back == d, err)
	// Output: true <nil>
}
