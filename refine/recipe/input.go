package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/source"
	"github.com/troikaml/troika/text"
)

// Input says how raw items become documents. Where a field has several names,
// the first that a row holds is taken.
type Input struct {
	// Text, ID, Label, Lang and Title are the fields of records and the columns
	// of tables that hold these. All but Text may be missing in a row.
	Text, ID, Label, Lang, Title []string
	// FolderLabels takes the first folder of a document's source for its label.
	FolderLabels bool
	// Languages looks for the language of a document in its path or URL:
	// translations, which have the same path otherwise, share a group.
	Languages bool
	// Sheets reads a table as one text in Markdown instead of a document for
	// each row.
	Sheets bool
	// Chat reads rows as conversations: see ReadChat.
	Chat bool
}

func defaultInput() Input {
	return Input{
		Text: []string{"text", "content"}, ID: []string{"id"}, Label: []string{"label"},
		Lang: []string{"lang", "language"}, Title: []string{"title"},
	}
}

func (in Input) check() error {
	if len(in.Text) == 0 && !in.Chat {
		return errors.New("input: text names no field")
	}
	return nil
}

// lookup returns the first field of these names that is there and not null.
func lookup(raw *source.Item, names []string) (source.Field, bool) {
	for _, name := range names {
		for _, f := range raw.Fields {
			if f.Name == name && !(f.JSON && f.Value == "null") {
				return f, true
			}
		}
	}
	return source.Field{}, false
}

// licenceFields are the fields and columns that say under which terms a row is.
var licenceFields = []string{"licence", "license"}

// row fills a document from the fields of a row.
func (in Input) row(raw *source.Item, d *refine.Document) error {
	for _, field := range []struct {
		names []string
		to    *string
	}{{in.ID, &d.ID}, {in.Label, &d.Label}, {in.Lang, &d.Lang}, {in.Title, &d.Title}} {
		if f, ok := lookup(raw, field.names); ok {
			if s := strings.TrimSpace(text.Normalize(f.Value)); s != "" {
				*field.to = s
			}
		}
	}
	if f, ok := lookup(raw, licenceFields); ok && !f.JSON {
		d.Licence = strings.Join(strings.Fields(text.Normalize(f.Value)), " ")
	}
	if in.Chat {
		turns, err := ReadChat(raw)
		d.Text = joinTurns(turns)
		return err
	}
	f, ok := lookup(raw, in.Text)
	switch {
	case !ok:
		return fmt.Errorf("field %q is missing", strings.Join(in.Text, " or "))
	case f.JSON && len(f.Value) > 0 && (f.Value[0] == '{' || f.Value[0] == '['):
		return fmt.Errorf("field %q holds JSON, not text", f.Name)
	}
	d.Text = text.Normalize(f.Value)
	return nil
}

// Turn is one message of a conversation.
type Turn struct {
	Role    string `json:"role"    parquet:"role"`
	Content string `json:"content" parquet:"content"`
}

// The roles of turns, as in OpenAI's fine-tuning format.
const (
	roleSystem    = "system"
	roleUser      = "user"
	roleAssistant = "assistant"
)

// roles maps the names of roles in the formats that ReadChat knows.
var roles = map[string]string{
	"system": roleSystem, "developer": roleSystem, "user": roleUser, "human": roleUser,
	"assistant": roleAssistant, "gpt": roleAssistant, "model": roleAssistant, "bot": roleAssistant,
}

// pairs are the fields of rows that hold one question with its answer; system
// and context may be empty.
var pairs = []struct{ system, question, context, answer string }{
	{"system", "instruction", "input", "output"},
	{"system", "instruction", "context", "response"},
	{"system", "prompt", "", "response"},
	{"system", "prompt", "", "completion"},
	{"system", "question", "context", "answer"},
	{"系统", "问题", "上下文", "回答"},
	{"系统", "问题", "上下文", "答案"},
	{"系统", "指令", "输入", "输出"},
}

// ReadChat finds the conversation in a row:
//
//	{"messages": [{"role": ..., "content": ...}]}         OpenAI
//	{"conversations": [{"from": ..., "value": ...}]}      ShareGPT
//	{"instruction": ..., "input": ..., "output": ...}     Alpaca
//	{"prompt": ..., "response": ...}, {"question": ..., "answer": ...} and kin
//
// Messages must be text; calls of tools are refused rather than lost.
func ReadChat(raw *source.Item) ([]Turn, error) {
	for _, name := range []string{"messages", "conversations", "conversation"} {
		if f, ok := lookup(raw, []string{name}); ok {
			return readMessages(f)
		}
	}
	for _, p := range pairs {
		question, ok := raw.Field(p.question)
		answer, also := raw.Field(p.answer)
		if !ok || !also {
			continue
		}
		var turns []Turn
		if system, _ := raw.Field(p.system); system != "" {
			turns = append(turns, Turn{roleSystem, system})
		}
		if context, _ := raw.Field(p.context); p.context != "" && context != "" {
			question += "\n\n" + context
		}
		return append(turns, Turn{roleUser, question}, Turn{roleAssistant, answer}), nil
	}
	return nil, errors.New(`no conversation: want "messages", "conversations", or a question with an answer`)
}

func readMessages(f source.Field) ([]Turn, error) {
	var messages []struct {
		Role    string          `json:"role"`
		From    string          `json:"from"`
		Content json.RawMessage `json:"content"`
		Value   json.RawMessage `json:"value"`
		Calls   json.RawMessage `json:"tool_calls"`
	}
	if err := json.Unmarshal([]byte(f.Value), &messages); err != nil {
		return nil, fmt.Errorf("field %q is no list of messages", f.Name)
	}
	turns := make([]Turn, len(messages))
	for i, m := range messages {
		role, ok := roles[m.Role+m.From]
		if !ok {
			return nil, fmt.Errorf("message %d: role %q is not read", i+1, m.Role+m.From)
		}
		if m.Calls != nil && string(m.Calls) != "null" {
			return nil, fmt.Errorf("message %d: calls of tools are not read", i+1)
		}
		content := m.Content
		if content == nil {
			content = m.Value
		}
		turns[i].Role = role
		if err := json.Unmarshal(content, &turns[i].Content); err != nil {
			return nil, fmt.Errorf("message %d: content is no string", i+1)
		}
	}
	return turns, nil
}

// turnMark begins the line before each turn in a conversation's text: the
// record separator, which text.Normalize takes out of all content.
const turnMark = "\x1e"

// joinTurns writes a conversation as the text of a document, so that steps see
// and edit it as any other.
func joinTurns(turns []Turn) string {
	var b strings.Builder
	for i, t := range turns {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(turnMark + t.Role + "\n" + text.Normalize(t.Content))
	}
	return b.String()
}

// splitTurns reads what joinTurns wrote, after steps. Turns that have become
// empty are left out.
func splitTurns(s string) []Turn {
	var turns []Turn
	var content []string
	flush := func() {
		if len(turns) == 0 {
			return
		}
		last := &turns[len(turns)-1]
		if last.Content = strings.TrimSpace(strings.Join(content, "\n")); last.Content == "" {
			turns = turns[:len(turns)-1]
		}
		content = content[:0]
	}
	for line := range strings.SplitSeq(s, "\n") {
		if role, ok := strings.CutPrefix(line, turnMark); ok {
			flush()
			turns = append(turns, Turn{Role: role})
			continue
		}
		content = append(content, line)
	}
	flush()
	return turns
}

// sound reports how many turns of a conversation follow one another as they
// should, from the first on: perhaps a system message, then user and assistant
// by turns. It ends with the last answer.
func sound(turns []Turn) int {
	n, answered := 0, 0
	want := roleUser
	for i, t := range turns {
		switch {
		case i == 0 && t.Role == roleSystem:
		case t.Role != want:
			return answered
		case want == roleUser:
			want = roleAssistant
		default:
			want = roleUser
			answered = n + 1
		}
		n++
	}
	return answered
}
