package main

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shellWord is a word of a command line: parts with quotes around them and without.
var shellWord = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`)

// shellCommands returns the commands of an example as words, without what is around
// pipes and redirections.
func shellCommands(example string) [][]string {
	example = strings.ReplaceAll(example, "\\\n", " ")
	var out [][]string
	for line := range strings.Lines(example) {
		var words []string
		for _, word := range shellWord.FindAllString(line, -1) {
			switch word {
			case "&&", "|", ";":
				out, words = append(out, words), nil
				continue
			}
			words = append(words, strings.NewReplacer("'", "", `"`, "").Replace(word))
		}
		out = append(out, words)
	}
	return out
}

// cutRedirection leaves off what the shell takes.
func cutRedirection(words []string) []string {
	for i, word := range words {
		if strings.HasPrefix(word, ">") || strings.HasPrefix(word, "<") || word == "#" {
			return words[:i]
		}
	}
	return words
}

var errUnknownVerb = errors.New("no such verb")

// checkCommand parses a command line as the program would, and does not run it.
func checkCommand(words []string) error {
	root := newRoot(&app{})
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if cmd == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return errUnknownVerb
	}
	if err := cmd.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	return cmd.ValidateFlagGroups()
}

// What help shows is what the program takes.
func TestHelpExamples(t *testing.T) {
	n := 0
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, words := range shellCommands(cmd.Example) {
			if words = cutRedirection(words); len(words) == 0 || words[0] != "troika" {
				continue
			}
			n++
			if err := checkCommand(words[1:]); err != nil {
				t.Errorf("help of %s: %q: %v", cmd.CommandPath(), words, err)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(&app{}))
	if n < 2*len(verbs) {
		t.Errorf("%d examples of %d verbs", n, len(verbs))
	}
}

// The documents' command lines, which stand in indented blocks and between backquotes.
func TestDocumentExamples(t *testing.T) {
	quoted := regexp.MustCompile("`(?:bin/)?troika ([^`\n]+)`")
	for _, name := range []string{"../../README.md", "../../README.zh.md", "../../CONTRIBUTING.md"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		check := func(words []string) {
			words = cutRedirection(words)
			if strings.Contains(strings.Join(words, " "), "...") {
				return
			}
			n++
			if err := checkCommand(words); err != nil {
				t.Errorf("%s: troika %q: %v", name, words, err)
			}
		}
		for _, words := range shellCommands(string(b)) {
			if len(words) > 1 && words[0] == "bin/troika" {
				check(words[1:])
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(string(b), -1) {
			for _, words := range shellCommands(m[1]) {
				check(words)
			}
		}
		if n == 0 && strings.Contains(name, "README") {
			t.Errorf("%s: no command was found", name)
		}
	}
}

// The checks can fail.
func TestCheckCommand(t *testing.T) {
	for line, ok := range map[string]bool{
		"tune --data a --name b":                   true,
		"tune --data a":                            false, // no name
		"tune --data a --name b --nope":            false,
		"tune --data a --name b --rank x":          false,
		"eval --model a --data b --text c":         false, // one of both
		"data show":                                false, // of what?
		"nothing":                                  false,
		"serve --listen 127.0.0.1:1 --model 'a b'": true,
	} {
		if err := checkCommand(shellCommands(line)[0]); (err == nil) != ok {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// Both READMEs show the same commands and figures, and have a word for the same verbs.
func TestReadmesAgree(t *testing.T) {
	var blocks [2][]string
	var texts [2]string
	names := []string{"../../README.md", "../../README.zh.md"}
	for i, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if code, ok := strings.CutPrefix(line, "    "); ok {
				blocks[i] = append(blocks[i], strings.TrimSpace(code))
			}
		}
		texts[i] = string(b)
	}
	for _, cmd := range newRoot(&app{}).Commands() {
		named := "`" + cmd.Name() + "`"
		if strings.Contains(texts[0], named) != strings.Contains(texts[1], named) {
			t.Errorf("the verb %s has a word in one README alone", named)
		}
	}
	// The names of people's files are in their language.
	han := regexp.MustCompile(`--data \S+`)
	plain := func(line string) string { return han.ReplaceAllString(line, "--data") }
	for i := range max(len(blocks[0]), len(blocks[1])) {
		if i >= len(blocks[0]) || i >= len(blocks[1]) || plain(blocks[0][i]) != plain(blocks[1][i]) {
			t.Fatalf("line %d of code differs:\n%q\n%q", i+1, blocks[0][min(i, len(blocks[0])):], blocks[1][min(i, len(blocks[1])):])
		}
	}
}
