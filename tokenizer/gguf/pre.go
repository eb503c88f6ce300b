package gguf

import (
	"encoding/json"
	"slices"
	"strings"
)

// step is one step of a pre-tokenizer.
type step struct {
	kind  string // Split, Digits, ByteLevel
	regex string // of a Split, which isolates its matches
	words bool   // of a ByteLevel: it cuts words as GPT-2 does
}

// pre is what a pre kind stands for.
type pre struct {
	names        []string // the first is the one that is written
	nfc          bool     // text is normalised first
	ignoreMerges bool     // a piece that is a token is not taken apart
	addBOS       bool     // unless the file says otherwise
	steps        []step
}

const (
	contractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	spaceTail    = `|\s*[\r\n]+|\s+(?!\S)|\s+`
	signs        = `| ?[^\s\p{L}\p{N}]+[\r\n]*`
	llama3       = contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}` + signs + spaceTail
	qwen2        = contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}` + signs + spaceTail
	qwen35       = contractions + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*` + spaceTail
	cl100k       = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`
	gpt2         = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`

	upper  = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lower  = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	tekken = `[^\r\n\p{L}\p{N}]?` + upper + `*` + lower + `+|[^\r\n\p{L}\p{N}]?` + upper + `+` + lower +
		`*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*` + spaceTail
	gpt4o = `[^\r\n\p{L}\p{N}]?` + upper + `*` + lower + `+` + contractions + `?|[^\r\n\p{L}\p{N}]?` + upper + `+` + lower +
		`*` + contractions + `?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*` + spaceTail

	deepseek3 = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" + spaceTail
	bloom     = ` ?[^(\s|.,!?…。，、।۔،)]+`
)

var (
	byteWords = []step{{kind: "ByteLevel", words: true}}
	digits    = append([]step{{kind: "Digits"}}, byteWords...)
)

// splits cuts by one expression after another, as llama.cpp does.
func splits(regexes ...string) []step {
	steps := make([]step, 0, len(regexes)+1)
	for _, r := range regexes {
		steps = append(steps, step{kind: "Split", regex: r})
	}
	return append(steps, step{kind: "ByteLevel"})
}

// pres lists the pre kinds of llama.cpp that this module's tokenizers can follow.
// Where models under one name normalise their text and llama.cpp does not, they do.
var pres = []pre{
	{
		names: []string{
			"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano",
		},
		ignoreMerges: true, addBOS: true, steps: splits(llama3),
	},
	{names: []string{"smaug-bpe", "dbrx", "chatglm-bpe"}, steps: splits(llama3)},
	{names: []string{"glm4", "glm5"}, ignoreMerges: true, steps: splits(llama3)},
	{names: []string{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2"}, nfc: true, steps: splits(qwen2)},
	{names: []string{"stablelm2", "hunyuan", "solar-open", "megrez", "grok-2"}, steps: splits(qwen2)},
	{names: []string{"qwen35"}, nfc: true, steps: splits(qwen35)},
	{
		names: []string{
			"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
			"modern-bert", "jais", "trillion", "granite-docling", "exaone4",
		},
		steps: byteWords,
	},
	{names: []string{"olmo", "mpt"}, nfc: true, steps: byteWords},
	{
		names: []string{"smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2"},
		steps: digits,
	},
	{names: []string{"command-r"}, nfc: true, steps: digits},
	{names: []string{"tekken"}, ignoreMerges: true, addBOS: true, steps: splits(tekken)},
	{names: []string{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, steps: splits(gpt4o)},
	{
		names: []string{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"},
		steps: splits(`\p{N}{1,3}`, `[一-龥぀-ゟ゠-ヿ]+`, deepseek3),
	},
	{
		names: []string{"deepseek-coder"},
		steps: splits(`[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, `[一-龥ࠀ-一가-퟿]+`, `\p{N}`),
	},
	{names: []string{"falcon"}, steps: splits("[\\p{P}$+<=>^~|`]+", gpt2, `[0-9][0-9][0-9]`)},
	{names: []string{"poro-chat", "bloom", "gpt3-finnish"}, steps: splits(bloom)},
	{names: []string{"viking"}, steps: splits(bloom, `\p{N}`)},
	{names: []string{"default", ""}, steps: splits(`[\p{P}$+<=>^~|]+`, gpt2, `\p{N}+`, `[0-9][0-9][0-9]`)},
}

// findPre returns what a pre kind stands for.
func findPre(name string) (pre, bool) {
	i := slices.IndexFunc(pres, func(p pre) bool { return slices.Contains(p.names, name) })
	if i < 0 {
		return pre{}, false
	}
	return pres[i], true
}

// JSON types of the parts of a tokenizer.json that pre kinds are made of.
type (
	object  = map[string]any
	objects = []any
)

// component returns the steps as a pre_tokenizer.
func component(steps []step) object {
	var list objects
	for _, s := range steps {
		switch s.kind {
		case "Split":
			list = append(list, object{
				"type": "Split", "pattern": object{"Regex": s.regex}, "behavior": "Isolated", "invert": false,
			})
		case "Digits":
			list = append(list, object{"type": "Digits", "individual_digits": true})
		default:
			list = append(list, byteLevel(s.words))
		}
	}
	if len(list) == 1 {
		return list[0].(object)
	}
	return object{"type": "Sequence", "pretokenizers": list}
}

func byteLevel(words bool) object {
	return object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": words}
}

// steps reads a pre_tokenizer back; ok is false for one that no pre kind is made of.
func readSteps(raw json.RawMessage) (steps []step, ok bool) {
	var c struct {
		Type             string
		Pretokenizers    []json.RawMessage
		Pattern          struct{ Regex string }
		Behavior         string
		Invert           bool
		AddPrefixSpace   bool  `json:"add_prefix_space"`
		UseRegex         *bool `json:"use_regex"`
		IndividualDigits bool  `json:"individual_digits"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return nil, false
	}
	switch c.Type {
	case "Sequence":
		for _, raw := range c.Pretokenizers {
			more, ok := readSteps(raw)
			if !ok {
				return nil, false
			}
			steps = append(steps, more...)
		}
		return steps, true
	case "Split":
		regex := c.Pattern.Regex
		switch regex {
		case cl100k: // matches the same
			regex = llama3
		case gpt2 + `|\s+`: // what is left is isolated as well
			regex = gpt2
		}
		// With every character matched, what is removed and inverted is isolated.
		isolated := c.Behavior == "Isolated" && !c.Invert || c.Behavior == "Removed" && c.Invert && strings.HasSuffix(regex, `|\s+`)
		return []step{{kind: "Split", regex: regex}}, isolated && regex != ""
	case "Digits":
		return []step{{kind: "Digits"}}, c.IndividualDigits
	case "ByteLevel":
		return []step{{kind: "ByteLevel", words: c.UseRegex == nil || *c.UseRegex}}, !c.AddPrefixSpace
	}
	return nil, false
}

// matchPre finds the pre kind of a byte-level tokenizer: one that cuts text the same
// way, and if there is a choice also normalises and ignores merges the same way.
func matchPre(steps []step, nfc, ignoreMerges bool) (pre, bool) {
	if n := len(steps); n == 2 && steps[0] == (step{kind: "Split", regex: gpt2}) {
		steps = byteWords
	}
	var best pre
	score := -1
	for _, p := range pres {
		if !slices.Equal(p.steps, steps) {
			continue
		}
		n := 0
		if p.nfc == nfc {
			n++
		}
		if p.ignoreMerges == ignoreMerges {
			n += 2
		}
		if n > score {
			best, score = p, n
		}
	}
	return best, score >= 0
}
