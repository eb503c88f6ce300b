package troika_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troikaml/troika"
)

func TestParseDigest(t *testing.T) {
	good := troika.Sum([]byte("abc"))
	// The digest of "abc" from FIPS 180-2, appendix B.1.
	if want := "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; good.String() != want {
		t.Fatalf("Sum = %s, want %s", good, want)
	}
	for _, s := range []string{good.String(), good.Hex()} {
		if d, err := troika.ParseDigest(s); err != nil || d != good {
			t.Errorf("ParseDigest(%q) = %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "sha256:", good.Hex()[:63], strings.ToUpper(good.Hex()), "g" + good.Hex()[1:], "md5:" + good.Hex()} {
		if _, err := troika.ParseDigest(s); err == nil {
			t.Errorf("ParseDigest(%q) was accepted", s)
		}
	}
	data, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	var back troika.Digest
	if err := json.Unmarshal(data, &back); err != nil || back != good || back.IsZero() {
		t.Errorf("round trip through JSON gave %v, %v", back, err)
	}
}
