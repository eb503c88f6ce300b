package main

import (
	"encoding/json"
	"io/fs"
	"strings"

	"github.com/troikaml/troika/refine/godoc"
	"github.com/troikaml/troika/text"
)

// call is a call of a function, in OpenAI's format.
type call struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Arguments   string          `json:"arguments,omitempty"`
}

type tool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

// toolChat is a line to learn calls from.
type toolChat struct {
	Messages []message `json:"messages"`
	Tools    []tool    `json:"tools"`
}

// Parameters of the functions.
const (
	ofSymbol  = `{"type":"object","properties":{"package":{"type":"string"},"symbol":{"type":"string"}}}`
	ofPackage = `{"type":"object","properties":{"package":{"type":"string"}}}`
)

// intents are what one can ask the catalogue for. In a phrasing, {P} stands for
// the package and {S} for the symbol.
var intents = []struct {
	function  string
	about     string
	symbol    bool
	phrasings []string
}{
	{"show_docs", "Show the documentation.", true, []string{
		"What does {S} of package {P} do?", "Explain {P}.{S} to me.", "Show me the documentation of {S} in {P}.",
		"{P} 包里的 {S} 有什么用？", "请给我看 {P}.{S} 的文档。",
	}},
	{"show_example", "Show an example.", true, []string{
		"Give me an example of {P}.{S}.", "How is {S} of package {P} used? An example, please.", "Show sample code that uses {S} from {P}.",
		"给我一个使用 {P}.{S} 的例子。", "{P} 包的 {S} 怎么用？请举例。",
	}},
	{"list_symbols", "List the names in a package.", false, []string{
		"What is there in package {P}?", "List everything that {P} exports.", "Which functions and types has {P}?",
		"{P} 包里有什么？", "列出 {P} 导出的所有名称。",
	}},
}

// tools makes questions to a catalogue of Go's standard library, and the calls that
// answer them. All questions about a package are in one split.
func tools(src fs.FS) (splits, error) {
	docs, err := godoc.Extract(src)
	if err != nil {
		return nil, err
	}
	var offered []tool
	for _, in := range intents {
		parameters := ofPackage
		if in.symbol {
			parameters = ofSymbol
		}
		offered = append(offered, tool{"function", function{Name: in.function, Description: in.about, Parameters: json.RawMessage(parameters)}})
	}
	s := splits{}
	seen := map[string]bool{}
	for _, d := range docs {
		pkg, symbol := nameOf(d.ID)
		if symbol == "" {
			continue
		}
		in := intents[text.Hash(d.ID, 2)%uint64(len(intents))]
		arguments := map[string]string{"package": pkg, "symbol": symbol}
		if !in.symbol {
			delete(arguments, "symbol")
		}
		phrasing := in.phrasings[text.Hash(d.ID, 3)%uint64(len(in.phrasings))]
		question := strings.NewReplacer("{P}", pkg, "{S}", symbol).Replace(phrasing)
		if seen[question] {
			continue
		}
		seen[question] = true
		encoded, err := json.Marshal(arguments)
		if err != nil {
			return nil, err
		}
		s.add(of(pkg), toolChat{
			Messages: []message{
				{Role: "user", Content: question},
				{Role: "assistant", Calls: []call{{"call_1", "function", function{Name: in.function, Arguments: string(encoded)}}}},
			},
			Tools: offered,
		})
	}
	s.keep(2000, 200)
	return s, nil
}

// nameOf cuts an ID such as net/http.Client.Do into the package and the symbol.
func nameOf(id string) (pkg, symbol string) {
	slash := strings.LastIndexByte(id, '/') + 1
	pkg, symbol, _ = strings.Cut(id[slash:], ".")
	return id[:slash] + pkg, symbol
}
