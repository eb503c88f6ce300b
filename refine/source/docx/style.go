package docx

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// look is what paragraph properties say, of a paragraph or of its style.
type look struct {
	heading int // 1 to 6, 0 for none
	style   string
	list    string // numId; "0" takes a style's list away
	level   int
	based   string
}

// maxHeading is the deepest heading that Markdown knows.
const maxHeading = 6

// property takes in one element of paragraph properties.
func (l *look) property(e xml.StartElement) {
	val := attr(e, "val")
	switch e.Name.Local {
	case "pStyle":
		l.style = val
	case "numId":
		l.list = val
	case "ilvl":
		if n, err := strconv.Atoi(val); err == nil {
			l.level = min(max(n, 0), 8)
		}
	case "outlineLvl":
		if n, err := strconv.Atoi(val); err == nil && n >= 0 && n < 9 {
			l.heading = min(n+1, maxHeading)
		}
	}
}

// styles reads the paragraph styles, by their IDs.
func (f *file) styles(part string) (map[string]look, error) {
	styles := map[string]look{}
	var id string
	var now look
	err := f.each(part, func(d *decoder) error {
		return d.elements(func(e xml.StartElement) error {
			switch e.Name.Local {
			case "style":
				id, now = attr(e, "styleId"), look{}
			case "name":
				if h := headingName(attr(e, "val")); h > 0 {
					now.heading = h
				}
			case "basedOn":
				now.based = attr(e, "val")
			default:
				now.property(e)
			}
			if id != "" {
				styles[id] = now
			}
			return nil
		})
	})
	return styles, err
}

// headingName tells the level of a heading style by its name, which is English
// in every language of Word; WPS writes Chinese ones.
func headingName(name string) int {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "title" || name == "标题" {
		return 1
	}
	for _, prefix := range []string{"heading ", "标题 "} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			if n, err := strconv.Atoi(rest); err == nil && n > 0 {
				return min(n, maxHeading)
			}
		}
	}
	return 0
}

// resolve fills in what a paragraph leaves to its style and the styles below.
func (w *writer) resolve(l look) look {
	id := l.style
	for range 16 { // a bound, as styles may be based on each other in a ring
		s, ok := w.styles[id]
		if !ok {
			break
		}
		if l.heading == 0 {
			l.heading = s.heading
		}
		if l.list == "" && s.list != "" {
			l.list, l.level = s.list, max(l.level, s.level)
		}
		id = s.based
	}
	return l
}

// numberings are the formats of lists: numId, then level.
type numberings map[string]*[9]level

type level struct {
	format string // bullet, decimal, ... as in w:numFmt
	start  int
	next   int // counts the items of the document
}

// numbering reads the formats of lists.
func (f *file) numbering(part string) (numberings, error) {
	abstract := map[string]*[9]level{}
	lists := numberings{}
	var levels *[9]level
	var num string
	at := 0
	err := f.each(part, func(d *decoder) error {
		return d.elements(func(e xml.StartElement) error {
			switch e.Name.Local {
			case "abstractNum":
				levels, num = &[9]level{}, ""
				abstract[attr(e, "abstractNumId")] = levels
			case "lvl":
				n, err := strconv.Atoi(attr(e, "ilvl"))
				if at = 0; err == nil && n >= 0 && n < 9 {
					at = n
				}
			case "numFmt":
				if levels != nil && num == "" {
					levels[at].format = attr(e, "val")
				}
			case "start":
				if n, err := strconv.Atoi(attr(e, "val")); err == nil && levels != nil && num == "" {
					levels[at].start = n
				}
			case "num":
				num = attr(e, "numId")
			case "abstractNumId":
				if from := abstract[attr(e, "val")]; from != nil && num != "" {
					copied := *from
					for i := range copied {
						copied[i].next = copied[i].start
					}
					lists[num] = &copied
				}
			}
			return nil
		})
	})
	return lists, err
}

// marker returns what stands before an item of a list, and counts it.
func (n numberings) marker(list string, at int) string {
	levels := n[list]
	if levels == nil {
		return "- "
	}
	for deeper := at + 1; deeper < len(levels); deeper++ {
		levels[deeper].next = levels[deeper].start
	}
	l := &levels[at]
	switch l.format {
	case "bullet", "":
		return "- "
	case "none":
		return ""
	default: // letters and Roman numerals become digits, as Markdown has them
		l.next++
		return strconv.Itoa(l.next-1) + ". "
	}
}
