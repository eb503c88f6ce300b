package source

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestUnquote compares with encoding/json, after the scanner has found the string's
// end.
func TestUnquote(t *testing.T) {
	parts := []string{
		"a", "中", `\n`, `\"`, `\\`, `\/`, `\t`, `\r`, `\b`, `\f`, `\u4e2d`, `\ud83d\ude00`, `\ud83d`, "\xff", "'", "{", " ",
	}
	draw := rand.New(rand.NewPCG(7, 8))
	for range 5000 {
		var b strings.Builder
		b.WriteByte('"')
		for range draw.IntN(12) {
			b.WriteString(parts[draw.IntN(len(parts))])
		}
		b.WriteByte('"')
		quoted := b.String()
		var want string
		if err := json.Unmarshal([]byte(quoted), &want); err != nil {
			t.Fatal(err)
		}
		s := scanner{b: []byte(quoted + `,"next"`)}
		found, err := s.str()
		if err != nil || string(found) != quoted {
			t.Fatalf("str of %s: %s, %v", quoted, found, err)
		}
		if got, err := unquote(found); err != nil || got != want {
			t.Fatalf("unquote(%s) = %q, %v; want %q", quoted, got, err, want)
		}
	}
	for _, broken := range []string{`"`, `"a`, `"a\"`, `"a\\\"`} {
		if s, err := (&scanner{b: []byte(broken)}).str(); err == nil {
			t.Errorf("str of %s: %s", broken, s)
		}
	}
}
