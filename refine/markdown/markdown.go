package markdown

import (
	"regexp"
	"strings"

	"github.com/troikaml/troika/text"
)

var (
	heading   = regexp.MustCompile(`^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$`)
	fence     = regexp.MustCompile("^ {0,3}(```+|~~~+)")
	underline = regexp.MustCompile(`^ {0,3}(=+|-+)[ \t]*$`)
	tableRule = regexp.MustCompile(`^[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*$`)
	reference = regexp.MustCompile(`^ {0,3}\[[^\]]+\]:[ \t]*\S+`)
	comment   = regexp.MustCompile(`(?s)<!--.*?-->`)
	image     = regexp.MustCompile(`!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])`)
	link      = regexp.MustCompile(`\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])`)
	autolink  = regexp.MustCompile(`<((?:https?|mailto):[^ >]+)>`)
	emphasis  = regexp.MustCompile(`(\*\*\*|\*\*|\*|___|__|~~)(\S(?:.*?\S)?)(\*\*\*|\*\*|\*|___|__|~~)`)
	code      = regexp.MustCompile("``?([^`]+)``?")
)

// Parse returns the title, which is the first heading of the first level, and
// the text without it. All input is valid; the result is normalised.
func Parse(src []byte) (title, body string) {
	lines := strings.Split(text.Normalize(string(src)), "\n")
	lines = strings.Split(comment.ReplaceAllString(strings.Join(skipFrontMatter(lines), "\n"), ""), "\n")
	var out []string
	fenced := ""
	for i, line := range lines {
		if m := fence.FindStringSubmatch(line); m != nil && (fenced == "" || strings.HasPrefix(m[1], fenced)) {
			if fenced == "" {
				fenced = m[1]
			} else {
				fenced = ""
			}
			continue
		}
		if fenced != "" {
			out = append(out, line)
			continue
		}
		if reference.MatchString(line) || tableRule.MatchString(line) {
			continue
		}
		level, words := headingOf(lines, i)
		switch {
		case level == 1 && title == "":
			title = inline(words)
		case level > 0:
			out = append(out, inline(words))
		case i > 0 && underline.MatchString(line):
			// a rule, or the underline of the heading before it
		case isSetextTitle(lines, i):
			if title == "" && strings.Contains(lines[i+1], "=") {
				title = inline(line)
			} else {
				out = append(out, inline(line))
			}
		default:
			out = append(out, inline(line))
		}
	}
	return title, text.Normalize(strings.Join(out, "\n"))
}

// skipFrontMatter drops a block between two lines of --- at the very start.
func skipFrontMatter(lines []string) []string {
	if len(lines) == 0 || lines[0] != "---" {
		return lines
	}
	for i, line := range lines[1:] {
		if line == "---" || line == "..." {
			return lines[i+2:]
		}
	}
	return lines
}

// headingOf returns the level of a heading that starts with #, or 0.
func headingOf(lines []string, i int) (level int, words string) {
	m := heading.FindStringSubmatch(lines[i])
	if m == nil {
		return 0, ""
	}
	return len(m[1]), m[2]
}

// isSetextTitle reports a line of words that the next line underlines.
func isSetextTitle(lines []string, i int) bool {
	return strings.TrimSpace(lines[i]) != "" && i+1 < len(lines) && underline.MatchString(lines[i+1])
}

// inline removes the marks inside a line.
func inline(line string) string {
	line = image.ReplaceAllString(line, "")
	line = link.ReplaceAllString(line, "$1")
	line = autolink.ReplaceAllString(line, "$1")
	line = code.ReplaceAllString(line, "$1")
	return emphasis.ReplaceAllString(line, "$2")
}
