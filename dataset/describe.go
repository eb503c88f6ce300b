package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// object is a JSON object whose keys are written in their order.
type object []pair

type pair struct {
	Key   string
	Value any
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(p.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.Value)
		if err != nil {
			return nil, err
		}
		b.Write(append(append(key, ':'), value...))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// croissantContext is the JSON-LD context that the Croissant 1.1 specification asks for.
var croissantContext = object{
	{"@language", "en"},
	{"@vocab", "https://schema.org/"},
	{"arrayShape", "cr:arrayShape"},
	{"citeAs", "cr:citeAs"},
	{"column", "cr:column"},
	{"conformsTo", "dct:conformsTo"},
	{"containedIn", "cr:containedIn"},
	{"cr", "http://mlcommons.org/croissant/"},
	{"rai", "http://mlcommons.org/croissant/RAI/"},
	{"data", object{{"@id", "cr:data"}, {"@type", "@json"}}},
	{"dataType", object{{"@id", "cr:dataType"}, {"@type", "@vocab"}}},
	{"dct", "http://purl.org/dc/terms/"},
	{"description", object{{"@container", "@language"}}},
	{"equivalentProperty", "cr:equivalentProperty"},
	{"examples", object{{"@id", "cr:examples"}, {"@type", "@json"}}},
	{"extract", "cr:extract"},
	{"field", "cr:field"},
	{"fileProperty", "cr:fileProperty"},
	{"fileObject", "cr:fileObject"},
	{"fileSet", "cr:fileSet"},
	{"format", "cr:format"},
	{"includes", "cr:includes"},
	{"isArray", "cr:isArray"},
	{"isLiveDataset", "cr:isLiveDataset"},
	{"jsonPath", "cr:jsonPath"},
	{"key", "cr:key"},
	{"md5", "cr:md5"},
	{"name", object{{"@container", "@language"}}},
	{"parentField", "cr:parentField"},
	{"path", "cr:path"},
	{"recordSet", "cr:recordSet"},
	{"references", "cr:references"},
	{"regex", "cr:regex"},
	{"repeated", "cr:repeated"},
	{"replace", "cr:replace"},
	{"samplingRate", "cr:samplingRate"},
	{"sc", "https://schema.org/"},
	{"separator", "cr:separator"},
	{"source", "cr:source"},
	{"subField", "cr:subField"},
	{"transform", "cr:transform"},
}

// Croissant returns the version's metadata in the Croissant format 1.1 of MLCommons,
// JSON-LD that tells of the files as [Version.Export] wrote them.
func (v *Version) Croissant(e Entry, exported []File) ([]byte, error) {
	card := v.card(e)
	doc := object{
		{"@context", croissantContext},
		{"@type", "sc:Dataset"},
		{"name", e.Name},
		{"description", card.Description},
		{"conformsTo", "http://mlcommons.org/croissant/1.1"},
		{"version", fmt.Sprintf("%d.0.0", e.Number)},
		{"identifier", e.Digest.String()},
		{"datePublished", e.AddedAt.Format(time.DateOnly)},
	}
	optional := object{
		{"alternateName", card.Title},
		{"license", licenceAddress(card.Licence)},
		{"url", card.URL},
		{"citeAs", card.Provenance},
		{"rai:personalSensitiveInformation", personal(card)},
	}
	for _, p := range optional {
		if p.Value != "" {
			doc = append(doc, p)
		}
	}
	if card.Creator != "" {
		doc = append(doc, pair{"creator", object{{"@type", "sc:Organization"}, {"name", card.Creator}}})
	}
	if len(card.Languages) > 0 {
		doc = append(doc, pair{"inLanguage", card.Languages})
	}
	var files, sets []object
	for _, s := range v.manifest.Splits {
		if s.Records == 0 {
			continue
		}
		distribution, source := distributed(s.Name, ofSplit(exported, s.Name))
		files = append(files, distribution...)
		sets = append(sets, object{
			{"@type", "cr:RecordSet"},
			{"@id", s.Name},
			{"name", s.Name},
			{"description", fmt.Sprintf("The %s split, %d records.", s.Name, s.Records)},
			{"key", object{{"@id", s.Name + "/id"}}},
			{"field", v.fields(s.Name, source)},
		})
	}
	doc = append(doc, pair{"distribution", files}, pair{"recordSet", sets})
	b, err := json.MarshalIndent(doc, "", "  ")
	return append(b, '\n'), err
}

// ofSplit returns the files of a split.
func ofSplit(files []File, split string) []File {
	var out []File
	for _, f := range files {
		if f.Split == split {
			out = append(out, f)
		}
	}
	return out
}

// distributed describes the files of a split, and returns what the split's fields
// refer to: the file, or where there are several the set of them.
func distributed(split string, files []File) (distribution []object, source pair) {
	format := func(name string) string {
		if path.Ext(name) == ".parquet" {
			return "application/x-parquet"
		}
		return "application/jsonlines"
	}
	for _, f := range files {
		distribution = append(distribution, object{
			{"@type", "cr:FileObject"},
			{"@id", f.Name},
			{"name", f.Name},
			{"contentUrl", f.Name},
			{"encodingFormat", format(f.Name)},
			{"contentSize", fmt.Sprintf("%d B", f.Bytes)},
			{"sha256", f.Digest.Hex()},
		})
		source = pair{"fileObject", object{{"@id", f.Name}}}
	}
	if len(files) > 1 {
		set := split + "-files"
		distribution = append(distribution, object{
			{"@type", "cr:FileSet"},
			{"@id", set},
			{"name", set},
			{"encodingFormat", format(files[0].Name)},
			{"includes", together(files)},
		})
		source = pair{"fileSet", object{{"@id", set}}}
	}
	return distribution, source
}

// together names the files of a split in one pattern.
func together(files []File) string {
	if len(files) == 1 {
		return files[0].Name
	}
	return files[0].Split + "-*" + path.Ext(files[0].Name)
}

// fields lists what records of a split have.
func (v *Version) fields(split string, source pair) []object {
	has := map[string]bool{"id": true, "cluster": true}
	for i := range v.records[split] {
		r := &v.records[split][i]
		has["text"] = has["text"] || r.Messages == nil
		has["messages"] = has["messages"] || r.Messages != nil
		has["rejected"] = has["rejected"] || r.Rejected != nil
		has["label"] = has["label"] || r.Label != ""
		has["lang"] = has["lang"] || r.Lang != ""
		has["source"] = has["source"] || r.Source != ""
		has["licence"] = has["licence"] || r.Licence != ""
	}
	var out []object
	for _, f := range []struct{ name, about string }{
		{"id", "Unique in the version."},
		{"text", "The text."},
		{"messages", "The conversation, in OpenAI's fine-tuning format."},
		{"rejected", "The worse end of the conversation."},
		{"label", "The class."},
		{"lang", "BCP 47 tag."},
		{"source", "Where the raw document was found."},
		{"licence", "The terms that the raw document states."},
		{"cluster", "Records that must stay in one split share it."},
	} {
		if !has[f.name] {
			continue
		}
		id := split + "/" + f.name
		o := object{{"@type", "cr:Field"}, {"@id", id}, {"name", f.name}, {"description", f.about}}
		column := pair{"extract", object{{"column", f.name}}}
		if f.name == "messages" || f.name == "rejected" {
			o = append(o, pair{"repeated", true}, pair{"subField", []object{
				turnField(id, "role", source, column), turnField(id, "content", source, column),
			}})
		} else {
			o = append(o, pair{"dataType", "sc:Text"}, pair{"source", object{source, column}})
		}
		out = append(out, o)
	}
	return out
}

// turnField describes a key of the messages in a column.
func turnField(of, key string, source, column pair) object {
	return object{
		{"@type", "cr:Field"},
		{"@id", of + "/" + key},
		{"name", key},
		{"dataType", "sc:Text"},
		{"source", object{source, column, {"transform", object{{"jsonPath", key}}}}},
	}
}

// card returns the version's card with what it does not say taken from elsewhere.
func (v *Version) card(e Entry) Card {
	var c Card
	if v.manifest.Card != nil {
		c = *v.manifest.Card
	}
	if c.Description == "" {
		c.Description = fmt.Sprintf("%d records, version %d of %s.", e.Records, e.Number, e.Name)
	}
	return c
}

// licenceAddress returns where the terms can be read, if the licence tells.
func licenceAddress(licence string) string {
	if licence == "" || isAddress(licence) || strings.HasPrefix(licence, "LicenseRef-") {
		return licence
	}
	return "https://spdx.org/licenses/" + licence + ".html"
}

// personal says in words what is known of personal data.
func personal(c Card) string {
	switch c.PII {
	case "present":
		return "The data holds personal information."
	case "redacted":
		return "Personal information was looked for and hidden."
	case "none":
		return "Personal information was looked for, and there is none."
	default:
		return ""
	}
}

// HuggingFaceCard returns a README.md as the Hugging Face hub reads it: settings for its
// viewer and search, then the card in words. It names the files that [Version.Export]
// wrote, as the viewer looks for them. Lines leave out what is empty, so where files of
// splits differ in what they have the card says what columns there are.
func (v *Version) HuggingFaceCard(e Entry, exported []File) ([]byte, error) {
	card := v.card(e)
	type file struct {
		Split string `yaml:"split"`
		Path  string `yaml:"path"`
	}
	type config struct {
		Name  string `yaml:"config_name"`
		Files []file `yaml:"data_files"`
	}
	type info struct {
		Name    string   `yaml:"config_name"`
		Columns []column `yaml:"features"`
	}
	head := struct {
		Title       string   `yaml:"pretty_name,omitempty"`
		Licence     string   `yaml:"license,omitempty"`
		LicenceName string   `yaml:"license_name,omitempty"`
		LicenceLink string   `yaml:"license_link,omitempty"`
		Languages   []string `yaml:"language,omitempty"`
		Size        []string `yaml:"size_categories"`
		Info        []info   `yaml:"dataset_info,omitempty"`
		Configs     []config `yaml:"configs"`
	}{Title: card.Title, Size: []string{sizeCategory(e.Records)}, Configs: []config{{Name: "default"}}}
	switch {
	case card.Licence == "":
	case isAddress(card.Licence):
		head.Licence, head.LicenceName, head.LicenceLink = "other", "own-terms", card.Licence
	case strings.HasPrefix(card.Licence, "LicenseRef-"):
		head.Licence, head.LicenceName = "other", strings.ToLower(strings.TrimPrefix(card.Licence, "LicenseRef-"))
	default:
		head.Licence = strings.ToLower(card.Licence)
	}
	for _, tag := range card.Languages {
		head.Languages = append(head.Languages, strings.ToLower(strings.Split(tag, "-")[0]))
	}
	for _, s := range v.manifest.Splits {
		if s.Records > 0 {
			head.Configs[0].Files = append(head.Configs[0].Files, file{s.Name, together(ofSplit(exported, s.Name))})
		}
	}
	if columns := v.columns(exported); columns != nil {
		head.Info = []info{{head.Configs[0].Name, columns}}
	}
	settings, err := yaml.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("card of %s: %w", e.Ref(), err)
	}
	var b strings.Builder
	title := card.Title
	if title == "" {
		title = e.Name
	}
	fmt.Fprintf(&b, "---\n%s---\n\n# %s\n\n%s\n", settings, title, card.Description)
	for _, p := range []struct{ title, text string }{
		{"Provenance", card.Provenance}, {"Personal data", personal(card)}, {"Creator", card.Creator}, {"Source", card.URL},
	} {
		if p.text != "" {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", p.title, p.text)
		}
	}
	b.WriteString("\n## Splits\n\n| split | records | characters | labels |\n|---|---|---|---|\n")
	for _, s := range v.manifest.Splits {
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", s.Name, s.Records, s.Characters, len(s.Labels))
	}
	b.WriteString("\n## How it was made\n\n")
	for _, s := range v.manifest.Sources {
		fmt.Fprintf(&b, "- from %s `%s`, `%s`\n", s.Kind, s.Name, s.Digest)
	}
	for _, s := range v.manifest.Recipe {
		fmt.Fprintf(&b, "- %s", s.Name)
		if len(s.Params) > 0 {
			params, err := json.Marshal(s.Params)
			if err != nil {
				return nil, fmt.Errorf("card of %s: %w", e.Ref(), err)
			}
			fmt.Fprintf(&b, " `%s`", params)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\n%d documents went in. The version is `%s`.\n", v.manifest.Documents, e.Digest)
	return []byte(b.String()), nil
}

// sizeCategory returns the hub's name for a number of records.
func sizeCategory(n int) string {
	names := []string{"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"}
	i := 0
	for bound := 1000; n >= bound && i < len(names)-1; bound *= 10 {
		i++
	}
	return names[i]
}

// column is a column as Hugging Face's libraries name its type.
type column struct {
	Name string   `yaml:"name"`
	Type string   `yaml:"dtype,omitempty"`
	List []column `yaml:"list,omitempty"`
}

// columns returns those of the lines of all splits, in the order of [Record]; nil where
// the files tell them, or where messages have keys of their own.
func (v *Version) columns(exported []File) []column {
	has := map[string]bool{}
	for _, f := range exported {
		if path.Ext(f.Name) != ".jsonl" {
			return nil
		}
		for i := range v.records[f.Split] {
			r := &v.records[f.Split][i]
			for _, turn := range [][]json.RawMessage{r.Messages, r.Rejected} {
				if _, plain, err := turns(turn); err != nil || !plain || r.Tools != nil {
					return nil
				}
			}
			has["id"], has["cluster"] = true, true
			has["text"] = has["text"] || r.Text != ""
			has["messages"] = has["messages"] || r.Messages != nil
			has["rejected"] = has["rejected"] || r.Rejected != nil
			has["label"] = has["label"] || r.Label != ""
			has["source"] = has["source"] || r.Source != ""
			has["licence"] = has["licence"] || r.Licence != ""
			has["lang"] = has["lang"] || r.Lang != ""
			has["group"] = has["group"] || r.Group != ""
			has["raw"] = has["raw"] || !r.Raw.IsZero()
			has["cut"] = has["cut"] || r.Cut
		}
	}
	const text = "string"
	said := []column{{Name: "role", Type: text}, {Name: "content", Type: text}}
	all := []column{
		{Name: "id", Type: text},
		{Name: "text", Type: text},
		{Name: "messages", List: said},
		{Name: "rejected", List: said},
		{Name: "label", Type: text},
		{Name: "source", Type: text},
		{Name: "licence", Type: text},
		{Name: "lang", Type: text},
		{Name: "group", Type: text},
		{Name: "cluster", Type: text},
		{Name: "raw", Type: text},
		{Name: "cut", Type: "bool"},
	}
	return slices.DeleteFunc(all, func(c column) bool { return !has[c.Name] })
}
