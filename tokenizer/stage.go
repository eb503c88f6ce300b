package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A stage is one decoder of the chain, at work on a stream of tokens.
type stage interface {
	push(token string, emit func(string))
	flush(emit func(string))
}

// newStages returns fresh stages for a chain. From the first decoder on that
// joins all tokens into one, the others see a stream of parts of that one
// token; those that cannot work on parts wait for the end.
func newStages(chain []decoderConfig) []stage {
	var stages []stage
	joined := false
	for _, c := range chain {
		var s stage
		switch c.Type {
		case "Fuse":
			joined = true
			continue
		case "ByteLevel":
			s = &byteStage{}
		case "ByteFallback":
			s = &fallbackStage{}
		case "Replace":
			s = eachToken(c.replace.text)
		case "Strip":
			s = eachToken(func(token string) string { return stripEnds(token, c.Content, c.Start, c.Stop) })
		case "Metaspace":
			s = &metaspaceStage{mark: c.Replacement, drop: c.scheme != "never"}
		case "BPEDecoder":
			s = &suffixStage{suffix: c.Suffix}
		case "WordPiece":
			s = &wordStage{prefix: c.Prefix, tidy: c.Cleanup}
		}
		if joined {
			if c.Type == "Strip" && c.Stop == 0 {
				s = &stripStartStage{content: c.Content, left: c.Start}
			} else {
				s = &wholeStage{inner: s}
			}
		}
		joined = joined || c.Type == "ByteLevel"
		stages = append(stages, s)
	}
	return stages
}

// eachToken rewrites tokens one by one.
type eachToken func(string) string

func (f eachToken) push(token string, emit func(string)) { emit(f(token)) }
func (eachToken) flush(func(string))                     {}

// stripEnds removes up to start and stop occurrences of a character from the
// ends of a token.
func stripEnds(token, c string, start, stop int) string {
	for ; start > 0 && strings.HasPrefix(token, c); start-- {
		token = token[len(c):]
	}
	for ; stop > 0 && strings.HasSuffix(token, c); stop-- {
		token = token[:len(token)-len(c)]
	}
	return token
}

// stripStartStage is Strip at the start of a text that comes in parts.
type stripStartStage struct {
	content string
	left    int
}

func (s *stripStartStage) push(token string, emit func(string)) {
	for s.left > 0 && strings.HasPrefix(token, s.content) {
		token = token[len(s.content):]
		s.left--
	}
	if token != "" {
		s.left = 0
		emit(token)
	}
}

func (*stripStartStage) flush(func(string)) {}

// wholeStage gives a stage all parts of a joined token at once.
type wholeStage struct {
	inner stage
	text  strings.Builder
}

func (s *wholeStage) push(token string, _ func(string)) { s.text.WriteString(token) }

func (s *wholeStage) flush(emit func(string)) {
	s.inner.push(s.text.String(), emit)
	s.inner.flush(emit)
}

// byteStage is ByteLevel.
type byteStage struct{ buf []byte }

func (s *byteStage) push(token string, emit func(string)) {
	s.buf = appendBytes(s.buf, token)
	n := len(s.buf) - incomplete(s.buf)
	if n > 0 {
		emit(replaceInvalid(string(s.buf[:n])))
		s.buf = append(s.buf[:0], s.buf[n:]...)
	}
}

func (s *byteStage) flush(emit func(string)) {
	if len(s.buf) > 0 {
		emit(replaceInvalid(string(s.buf)))
	}
}

// fallbackStage is ByteFallback: a run of byte tokens is one string, or as
// many U+FFFD as there are bytes where it is not valid UTF-8. The whole run
// waits, since its last byte can spoil its first.
type fallbackStage struct{ run []byte }

func (s *fallbackStage) push(token string, emit func(string)) {
	if b, ok := byteToken(token); ok {
		s.run = append(s.run, b)
		return
	}
	s.flush(emit)
	emit(token)
}

func (s *fallbackStage) flush(emit func(string)) {
	switch {
	case len(s.run) == 0:
		return
	case utf8.Valid(s.run):
		emit(string(s.run))
	default:
		for range s.run {
			emit("\ufffd")
		}
	}
	s.run = s.run[:0]
}

// metaspaceStage turns the mark into a space, and into nothing in the first
// token where encoding had put it there.
type metaspaceStage struct {
	mark string
	drop bool
	seen bool
}

func (s *metaspaceStage) push(token string, emit func(string)) {
	space := " "
	if s.drop && !s.seen {
		space = ""
	}
	s.seen = true
	emit(strings.ReplaceAll(token, s.mark, space))
}

func (*metaspaceStage) flush(func(string)) {}

// suffixStage is BPEDecoder: an end-of-word suffix is a space, but nothing in
// the last token, which therefore waits.
type suffixStage struct {
	suffix string
	last   string
	has    bool
}

func (s *suffixStage) push(token string, emit func(string)) {
	if s.has {
		emit(strings.ReplaceAll(s.last, s.suffix, " "))
	}
	s.last, s.has = token, true
}

func (s *suffixStage) flush(emit func(string)) {
	if s.has {
		emit(strings.ReplaceAll(s.last, s.suffix, ""))
	}
}

// wordStage is WordPiece: tokens that continue a word join it, others follow a space.
type wordStage struct {
	prefix string
	tidy   bool
	seen   bool
}

func (s *wordStage) push(token string, emit func(string)) {
	if s.seen {
		token = joinWord(token, s.prefix)
	}
	s.seen = true
	if s.tidy {
		token = tidyWord(token)
	}
	emit(token)
}

func (*wordStage) flush(func(string)) {}

func joinWord(token, prefix string) string {
	if rest, ok := strings.CutPrefix(token, prefix); ok {
		return rest
	}
	return " " + token
}

// tidyWord takes spaces away that English has not, one rule after another.
func tidyWord(s string) string {
	for _, r := range [...][2]string{
		{" .", "."},
		{" ?", "?"},
		{" !", "!"},
		{" ,", ","},
		{" ' ", "'"},
		{" n't", "n't"},
		{" 'm", "'m"},
		{" do not", " don't"},
		{" 's", "'s"},
		{" 've", "'ve"},
		{" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	return s
}
