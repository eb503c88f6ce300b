package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Training that is killed at random moments and resumed ends with the same bits as
// training that was not, with dropout, accumulation and packing on.
func TestKilledAnywhere(t *testing.T) {
	ofProcesses(t)
	kills, steps := 50, 32
	if testing.Short() {
		kills, steps = 4, 12
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "train.jsonl")
	var lines []byte
	for i := range 60 {
		lines = fmt.Appendf(lines, `{"messages":[{"role":"user","content":"What is %d plus %d?"},{"role":"assistant","content":"%d"}]}`+"\n", i, i*7, i*8)
	}
	if err := os.WriteFile(data, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	troika := program(t)
	command := func(home string, more ...string) *exec.Cmd {
		args := append([]string{
			"tune", "--home", home, "--data", data, "--name", "sums", "--rank", "4", "--dropout", "0.2", "--lr-ratio", "4",
			"--accumulate", "2", "--micro-tokens", "96", "--steps", fmt.Sprint(steps), "--save-every", "1", "--json",
		}, more...)
		return exec.CommandContext(t.Context(), troika, args...)
	}
	adapter := func(home string) []byte {
		data, err := os.ReadFile(filepath.Join(home, "adapters", "sums", "adapter_model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	straight := filepath.Join(dir, "straight")
	start := time.Now()
	if out, err := command(straight).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)
	want := adapter(straight)
	random := rand.New(rand.NewPCG(1, 2))
	var killed string
	finish := func() { // the run in killed, without a kill
		if killed == "" {
			return
		}
		if out, err := command(killed, "--resume").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if !bytes.Equal(adapter(killed), want) {
			t.Fatal("the adapter of the killed run differs from that of the straight run")
		}
		killed = ""
	}
	landed, runs := 0, 0
	for tries := 0; landed < kills; tries++ {
		if tries == 10*kills {
			t.Fatalf("%d of %d kills landed", landed, tries)
		}
		if killed == "" {
			runs++
			killed = filepath.Join(dir, fmt.Sprint("killed", runs))
		}
		cmd := command(killed, "--resume", "--threads", fmt.Sprint(1+random.IntN(3)))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Early enough that a run is killed several times before it is over.
		time.AfterFunc(time.Duration(random.Int64N(int64(whole)/4+1)), func() { _ = cmd.Process.Kill() })
		if cmd.Wait() != nil {
			landed++
		} else {
			finish()
		}
	}
	finish()
	t.Logf("%d kills landed in %d runs", landed, runs)
}
