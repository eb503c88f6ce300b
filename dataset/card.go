package dataset

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// Card is what people must know of a dataset. Every field may be empty: not
// known. It is part of the version: another licence is another version.
type Card struct {
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// Licence is an SPDX identifier, LicenseRef- and a name, or the address of
	// the terms.
	Licence string `json:"licence,omitempty"`
	// Languages are BCP 47 tags.
	Languages []string `json:"languages,omitempty"`
	// PII is one of [PIIStates].
	PII string `json:"pii,omitempty"`
	// PIICounts counts what was hidden, by kind.
	PIICounts map[string]int `json:"pii_counts,omitempty"`
	// Provenance says in words where the data is from.
	Provenance string `json:"provenance,omitempty"`
	Creator    string `json:"creator,omitempty"`
	URL        string `json:"url,omitempty"`
}

// PIIStates returns what a card may say about personal data: nobody looked, it is
// in there, it was hidden, or somebody looked and found none.
func PIIStates() []string { return []string{"unknown", "present", "redacted", "none"} }

// maxCardText bounds the characters of a field of a card.
const maxCardText = 10_000

// licences are the SPDX identifiers that data and code mostly come under, as
// spdx.org writes them.
var licences = []string{
	"0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause",
	"BSD-3-Clause", "BSD-3-Clause-Clear", "BSL-1.0", "C-UDA-1.0", "CC0-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0",
	"CC-BY-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0",
	"CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0",
	"CC-PDDC", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "ECL-2.0", "EPL-1.0", "EPL-2.0",
	"etalab-2.0", "EUPL-1.1", "EUPL-1.2", "GFDL-1.3-or-later", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
	"GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT",
	"MPL-2.0", "MS-PL", "MulanPSL-1.0", "MulanPSL-2.0", "NCSA", "ODbL-1.0", "ODC-By-1.0", "OFL-1.1", "OGL-UK-3.0",
	"OSL-3.0", "PDDL-1.0", "PostgreSQL", "Unicode-3.0", "Unlicense", "W3C", "WTFPL", "Zlib",
}

var ownLicence = regexp.MustCompile(`^LicenseRef-[A-Za-z0-9.-]{1,100}$`)

// ParseLicence returns a licence as a card has it: an SPDX identifier in any
// case of letters, LicenseRef-NAME for terms of one's own, or the address of the
// terms. What is none of these is an error that names the nearest.
func ParseLicence(s string) (string, error) {
	s = strings.TrimSpace(s)
	for _, known := range licences {
		if strings.EqualFold(s, known) {
			return known, nil
		}
	}
	if ownLicence.MatchString(s) || isAddress(s) {
		return s, nil
	}
	var near []string
	for _, known := range licences {
		head := s[:min(len(s), 5)]
		if head != "" && strings.HasPrefix(strings.ToLower(known), strings.ToLower(head)) {
			near = append(near, known)
		}
	}
	hint := "such as CC-BY-4.0 or MIT"
	if len(near) > 0 {
		hint = "such as " + strings.Join(near, ", ")
	}
	return "", fmt.Errorf("licence %q: want an SPDX identifier (%s), LicenseRef-NAME for your own terms, or their address", s, hint)
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// complete returns the card as it is kept, or what is wrong with it.
func (c Card) complete() (Card, error) {
	var err error
	if c.Licence != "" {
		if c.Licence, err = ParseLicence(c.Licence); err != nil {
			return c, err
		}
	}
	var tags []string
	for _, l := range c.Languages {
		tag, err := language.Parse(l)
		if err != nil {
			return c, fmt.Errorf("language %q: want a BCP 47 tag, such as zh, zh-Hant or en", l)
		}
		if !slices.Contains(tags, tag.String()) {
			tags = append(tags, tag.String())
		}
	}
	c.Languages = tags
	if c.PII != "" && !slices.Contains(PIIStates(), c.PII) {
		return c, fmt.Errorf("personal data %q: want one of %s", c.PII, strings.Join(PIIStates(), ", "))
	}
	if c.URL != "" && !isAddress(c.URL) {
		return c, fmt.Errorf("address %q: want one that begins with https://", c.URL)
	}
	for _, f := range []struct {
		name string
		text *string
	}{{"title", &c.Title}, {"description", &c.Description}, {"provenance", &c.Provenance}, {"creator", &c.Creator}} {
		*f.text = strings.TrimSpace(*f.text)
		if utf8.RuneCountInString(*f.text) > maxCardText || !utf8.ValidString(*f.text) || strings.ContainsFunc(*f.text, forbidden) {
			return c, fmt.Errorf("%s: want UTF-8 without control characters, at most %d characters", f.name, maxCardText)
		}
	}
	return c, nil
}

func forbidden(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }

// Or returns the card with what it does not say taken from another, but for
// PIICounts, which belong to one text alone.
func (c Card) Or(other Card) Card {
	for _, f := range []struct{ to, from *string }{
		{&c.Title, &other.Title},
		{&c.Description, &other.Description},
		{&c.Licence, &other.Licence},
		{&c.PII, &other.PII},
		{&c.Provenance, &other.Provenance},
		{&c.Creator, &other.Creator},
		{&c.URL, &other.URL},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	if c.Languages == nil {
		c.Languages = other.Languages
	}
	return c
}

// isEmpty reports whether a card says nothing.
func (c Card) isEmpty() bool {
	return len(c.Languages) == 0 && len(c.PIICounts) == 0 &&
		c.Title+c.Description+c.Licence+c.PII+c.Provenance+c.Creator+c.URL == ""
}
