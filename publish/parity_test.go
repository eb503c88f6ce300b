package publish_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/publish"
	"github.com/troikaml/troika/starter"
)

// trained is a base and an adapter on it in folders of their own, as training leaves them.
type trained struct{ base, adapter string }

// load opens a base and loads it on a device; both go with the test.
func load(t *testing.T, dir string) (*cpu.Device, *bundle.Bundle, model.Model) {
	t.Helper()
	dev := cpu.New(cpu.Options{Threads: 2})
	t.Cleanup(dev.Close)
	b, err := bundle.Open(dir, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	return dev, b, m
}

func train(t *testing.T) trained {
	t.Helper()
	dirs := trained{t.TempDir(), t.TempDir()}
	if err := os.CopyFS(dirs.base, starter.Files()); err != nil {
		t.Fatal(err)
	}
	dev, b, m := load(t, dirs.base)
	x, err := adapter.New(dev, m, adapter.Config{Rank: 4, Alpha: 8}, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	for _, p := range x.Pairs() { // as if trained
		b := make([]float32, p.B.Len())
		for i := range b {
			b[i] = float32(i%7-3) * 0.01
		}
		dev.WriteFloats(p.B, b)
	}
	set := adapter.NewSet(m)
	record, err := publish.Record(dev, b, m, set.Add(x))
	if err != nil {
		t.Fatal(err)
	}
	file, err := record.File()
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Save(dirs.adapter, "starter", file); err != nil {
		t.Fatal(err)
	}
	return dirs
}

func prove(t *testing.T, dirs trained, base troika.Digest) (*publish.Proof, error) {
	t.Helper()
	dev, b, m := load(t, dirs.base)
	set := adapter.NewSet(m)
	s := publish.Subject{Device: dev, Bundle: b, Model: m, Set: set, Slot: nn.NoAdapter, Base: base}
	if dirs.adapter != "" {
		x, err := adapter.Open(dev, m, dirs.adapter)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Free()
		s.Slot, s.Adapter = set.Add(x), dirs.adapter
	}
	return publish.Prove(t.Context(), s)
}

// change replaces the bytes of a file by what fn makes of them.
func change(t *testing.T, dir, name string, fn func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := fn(bytes.Clone(text))
	if bytes.Equal(changed, text) {
		t.Fatalf("%s was not changed", name)
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
}

func swap(old, other string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(other), 1) }
}

// What is served as it was trained passes, with the same bits; so does a base.
func TestProve(t *testing.T) {
	dirs := train(t)
	b, err := bundle.Open(dirs.base, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	base, err := b.Digest()
	if err != nil {
		t.Fatal(err)
	}
	p, err := prove(t, dirs, base)
	if err != nil || !p.Recorded || !p.Exact || p.KL != 0 || p.Probes != 3 || p.Positions < 60 {
		t.Fatalf("proof %+v, %v", p, err)
	}
	if p, err := prove(t, trained{base: dirs.base}, troika.Digest{}); err != nil || p.Recorded || !p.Exact {
		t.Errorf("base: proof %+v, %v", p, err)
	}
	// A record of another device is held to a bound.
	other := func(b []byte) []byte {
		b = bytes.Replace(b, []byte(`"device":"`), []byte(`"device":"other `), 1)
		return regexp.MustCompile(`"bits":"..`).ReplaceAll(b, []byte(`"bits":"zz`))
	}
	change(t, dirs.adapter, publish.TrainedFile, other)
	if p, err := prove(t, dirs, base); err != nil || p.Exact || p.KL > 1e-9 {
		t.Errorf("another device: proof %+v, %v", p, err)
	}
	if err := os.Remove(filepath.Join(dirs.adapter, publish.TrainedFile)); err != nil {
		t.Fatal(err)
	}
	if p, err := prove(t, dirs, base); err != nil || p.Recorded || !strings.Contains(p.String(), "no record") {
		t.Errorf("without a record: proof %+v, %v", p, err)
	}
}

// Whatever is broken between training and serving blocks, and is named.
func TestProveRefuses(t *testing.T) {
	whole := train(t)
	flip := func(back int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[len(b)-back] ^= 0x40
			return b
		}
	}
	for _, c := range []struct {
		name      string
		base      troika.Digest
		dir, file string
		fn        func([]byte) []byte
		want      string
	}{
		{
			"template",
			troika.Digest{},
			"base", "chat_template.jinja", swap("<|im_end|>", "<|im_end|> "),
			"the chat template was sha256:",
		},
		{
			"template's place",
			troika.Digest{},
			"base", "chat_template.jinja", swap("<|im_end|>", "<|im_end|> "),
			"first, probe 1 has token ",
		},
		{"tokenizer", troika.Digest{}, "base", "tokenizer.json", swap(`"NFC"`, `"NFKC"`), "probe 2 has token "},
		{"adapter", troika.Digest{}, "adapter", adapter.WeightsFile, flip(2), "the logits of probe 1 differ first at position 0"},
		{"base's weight", troika.Digest{}, "base", "model.safetensors", flip(1), "differ first at position"},
		{"base", troika.Sum([]byte("another")), "", "", nil, "its base was " + troika.Sum([]byte("another")).String()},
		{"another device", troika.Digest{}, "adapter", publish.TrainedFile, func(b []byte) []byte {
			b = swap(`"device":"`, `"device":"other `)(b)
			b = regexp.MustCompile(`"bits":"..`).ReplaceAll(b, []byte(`"bits":"zz`))
			return regexp.MustCompile(`"logprobs":\[-[0-9.e-]+`).ReplaceAll(b, []byte(`"logprobs":[-0.01`))
		}, "nats away at position 0, more than 0.001"},
	} {
		dirs := trained{t.TempDir(), t.TempDir()}
		if err := errors.Join(os.CopyFS(dirs.base, os.DirFS(whole.base)), os.CopyFS(dirs.adapter, os.DirFS(whole.adapter))); err != nil {
			t.Fatal(err)
		}
		if c.fn != nil {
			change(t, map[string]string{"base": dirs.base, "adapter": dirs.adapter}[c.dir], c.file, c.fn)
		}
		p, err := prove(t, dirs, c.base)
		if !errors.Is(err, publish.ErrParity) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: proof %+v, error %v, want %q", c.name, p, err, c.want)
		} else {
			t.Log(err)
		}
	}
}
