package tokenizer

import (
	"encoding/json"
	"fmt"
	"io"
)

// maxConfig bounds tokenizer_config.json in bytes. Those that repeat every
// added token reach a megabyte.
const maxConfig = 32 << 20

// Config is what tokenizer_config.json says beside the chat template: the
// names of the special tokens, and whether they go around a text. It advises:
// [Tokenizer.Encode] adds what the post-processor of tokenizer.json says.
type Config struct {
	// BOSToken, EOSToken, PadToken and UnkToken are tokens as the vocabulary
	// spells them, or "" where there is none.
	BOSToken, EOSToken, PadToken, UnkToken string
	// AddBOSToken and AddEOSToken are nil where the file does not say.
	AddBOSToken, AddEOSToken *bool
	// TokenizerClass is the class of transformers, such as "Qwen2Tokenizer".
	TokenizerClass string
	// ModelMaxLength is the longest sequence the model takes, or 0 where the
	// file does not say or says that there is no bound.
	ModelMaxLength int
}

// tokenName is a token as a string, or as an object with its content.
type tokenName string

// UnmarshalJSON implements [json.Unmarshaler].
func (n *tokenName) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var object struct{ Content string }
		err := json.Unmarshal(b, &object)
		*n = tokenName(object.Content)
		return err
	}
	var s *string
	err := json.Unmarshal(b, &s)
	if s != nil {
		*n = tokenName(*s)
	}
	return err
}

// LoadConfig reads a tokenizer_config.json.
func LoadConfig(r io.Reader) (Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxConfig+1))
	if err != nil {
		return Config{}, fmt.Errorf("read tokenizer config: %w", err)
	}
	if len(data) > maxConfig {
		return Config{}, fmt.Errorf("load tokenizer config: longer than %d bytes", maxConfig)
	}
	var f struct {
		BOS    tokenName `json:"bos_token"`
		EOS    tokenName `json:"eos_token"`
		Pad    tokenName `json:"pad_token"`
		Unk    tokenName `json:"unk_token"`
		AddBOS *bool     `json:"add_bos_token"`
		AddEOS *bool     `json:"add_eos_token"`
		Class  string    `json:"tokenizer_class"`
		Length *float64  `json:"model_max_length"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, fmt.Errorf("load tokenizer config: %w", err)
	}
	c := Config{
		BOSToken: string(f.BOS), EOSToken: string(f.EOS), PadToken: string(f.Pad), UnkToken: string(f.Unk),
		AddBOSToken: f.AddBOS, AddEOSToken: f.AddEOS, TokenizerClass: f.Class,
	}
	// transformers writes 1e30 for "no bound".
	if f.Length != nil && *f.Length >= 1 && *f.Length < 1<<40 {
		c.ModelMaxLength = int(*f.Length)
	}
	return c, nil
}
