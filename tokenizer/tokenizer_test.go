package tokenizer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// fixture is a case of cases.json.
type fixture struct {
	S   string
	Hex *string
	N   int
}

func (f fixture) text(t testing.TB) string {
	t.Helper()
	if f.Hex != nil {
		b, err := hex.DecodeString(*f.Hex)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return strings.Repeat(f.S, max(f.N, 1))
}

// golden is what Hugging Face tokenizers makes of a case.
type golden struct {
	IDs   []int32
	Plain []int32
	All   *string
	Skip  *string
}

func packIDs(ids []int32) []byte {
	var b []byte
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return b
}

func digest(parts ...[]byte) string {
	sum := sha256.Sum256(bytes.Join(parts, []byte("|")))
	return hex.EncodeToString(sum[:8])
}

// loadFixture returns a tokenizer of testdata, a variant included.
func loadFixture(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Load(bytes.NewReader(fixtureJSON(t, name)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return tok
}

func fixtureJSON(t testing.TB, name string) []byte {
	t.Helper()
	var variants map[string]struct {
		Base   string
		Change map[string]any
	}
	readJSON(t, "variants.json", &variants)
	v, ok := variants[name]
	if !ok {
		b, err := os.ReadFile(filepath.Join("testdata", name+".tokenizer.json"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var file map[string]any
	readJSON(t, v.Base+".tokenizer.json", &file)
	for key, value := range v.Change {
		if key == "model" {
			maps.Copy(file["model"].(map[string]any), value.(map[string]any))
		} else {
			file[key] = value
		}
	}
	if name == "suffix" {
		model := file["model"].(map[string]any)
		words := model["vocab"].(map[string]any)
		for _, c := range "aehnst." {
			words[string(c)+"</w>"] = len(words)
		}
		model["merges"] = append(model["merges"].([]any), "h e</w>")
		words["he</w>"] = len(words)
	}
	b, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGolden(t *testing.T) {
	var cases []fixture
	readJSON(t, "cases.json", &cases)
	var all map[string][]json.RawMessage
	readJSON(t, "golden.json", &all)
	if len(all) < 20 {
		t.Fatalf("%d tokenizers in golden.json", len(all))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			tok := loadFixture(t, name)
			rows := all[name]
			for i, c := range cases {
				if c.N > 0 {
					if len(rows) == len(cases) && (c.N <= 20000 || !testing.Short()) {
						checkRepeated(t, tok, c, rows[i])
					}
					continue
				}
				if rows[i][0] == '"' {
					checkDigest(t, tok, c.text(t), rows[i])
					continue
				}
				var want golden
				if err := json.Unmarshal(rows[i], &want); err != nil {
					t.Fatal(err)
				}
				checkGolden(t, tok, c.text(t), want)
			}
		})
	}
}

func checkRepeated(t *testing.T, tok *Tokenizer, c fixture, raw json.RawMessage) {
	t.Helper()
	var want [2]any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	ids := tok.Encode(c.text(t), true)
	if len(ids) != int(want[0].(float64)) || digest(packIDs(ids)) != want[1] {
		t.Errorf("%q x %d: %d ids %s, want %v", c.S, c.N, len(ids), digest(packIDs(ids)), want)
	}
}

// checkDigest compares ids and texts with a digest of all of them.
func checkDigest(t *testing.T, tok *Tokenizer, text string, raw json.RawMessage) {
	t.Helper()
	ids, plain := tok.Encode(text, true), tok.EncodeOrdinary(text)
	all, skipped := tok.Decode(ids, false), tok.Decode(ids, true)
	have := digest(packIDs(ids), packIDs(plain), []byte(all), []byte(skipped))
	if want := strings.Trim(string(raw), `"`); have != want {
		t.Errorf("%q: digest %s, want %s:\nids %v\nordinary %v\ndecoded %q\nwithout special %q",
			text, have, want, ids, plain, all, skipped)
	}
}

func checkGolden(t *testing.T, tok *Tokenizer, text string, want golden) {
	t.Helper()
	ids := tok.Encode(text, true)
	if !slices.Equal(ids, want.IDs) {
		t.Errorf("%q:\nhave %v\nwant %v", text, ids, want.IDs)
		return
	}
	// A second time the word cache answers.
	if again := tok.Encode(text, true); !slices.Equal(again, ids) {
		t.Errorf("%q: the second time %v, the first %v", text, again, ids)
	}
	plain := want.Plain
	if plain == nil {
		plain = tok.Encode(text, false)
	}
	if have := tok.EncodeOrdinary(text); !slices.Equal(have, plain) {
		t.Errorf("ordinary %q:\nhave %v\nwant %v", text, have, plain)
	}
	valid := replaceInvalid(text)
	full, skipped := valid, valid
	if want.All != nil {
		full, skipped = *want.All, *want.All
	}
	if want.Skip != nil {
		skipped = *want.Skip
	}
	for _, d := range []struct {
		skip bool
		want string
	}{{false, full}, {true, skipped}} {
		if have := tok.Decode(ids, d.skip); have != d.want {
			t.Errorf("decode %q, skip %v:\nhave %q\nwant %q", text, d.skip, have, d.want)
		}
	}
}
