package toolcall

// Spelling is how a model is made to write calls: Open, then calls with Between among
// them, then Close. A call is Before, the function's name, Middle, the arguments, After.
// A [Parser] of the format reads it.
type Spelling struct {
	Open, Between, Close  string
	Before, Middle, After string
	// Marks are texts of which none may stand in content before calls. Where Bare, calls
	// have no mark, and content must not begin as they do.
	Marks []string
	Bare  bool
}

// Spelling returns how calls are written in a format; ok is false for [Unknown].
func (f Format) Spelling() (s Spelling, ok bool) {
	bare := Spelling{Between: "; ", Before: `{"name": "`, Middle: `", "parameters": `, After: "}", Bare: true}
	switch f {
	case Hermes:
		s = Spelling{Between: "\n", Before: "<tool_call>\n{\"name\": \"", Middle: `", "arguments": `, After: "}\n</tool_call>"}
	case Mistral:
		s = Spelling{Open: "[TOOL_CALLS] [", Between: ", ", Close: "]", Before: `{"name": "`, Middle: `", "arguments": `, After: "}"}
	case MistralArgs:
		s = Spelling{Before: "[TOOL_CALLS]", Middle: "[ARGS]"}
	case Llama3, Plain:
		s = bare
	case Unknown:
		return Spelling{}, false
	}
	marks, _ := f.marks()
	for _, m := range marks {
		s.Marks = append(s.Marks, m.open)
	}
	return s, true
}
