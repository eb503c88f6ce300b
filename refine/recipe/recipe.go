package recipe

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/troikaml/troika"
)

// Format is the version of the recipe format that this package reads.
const Format = 1

// maxUse bounds how deep recipes use one another.
const maxUse = 8

//go:embed shipped/*.yaml
var shipped embed.FS

// Shipped returns the names of the recipes that come with the program, sorted.
func Shipped() []string {
	files, _ := fs.Glob(shipped, "shipped/*.yaml") // the pattern is well formed
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return files
}

// Recipe is a pipeline that is ready to run. It is read-only and safe for
// concurrent use.
type Recipe struct {
	// Name and Version identify the recipe to people; Digest is what counts.
	Name        string `json:"name"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
	// Input says how raw documents are read.
	Input Input `json:"-"`
	// Steps run in this order.
	Steps []Spec `json:"steps"`
	// Output says what is written.
	Output Output `json:"-"`
}

// MarshalJSON writes the recipe with all its settings, by the names that
// recipe files use.
func (r *Recipe) MarshalJSON() ([]byte, error) {
	in, err := canonical(r.Input)
	if err != nil {
		return nil, err
	}
	out, err := canonical(r.Output)
	if err != nil {
		return nil, err
	}
	type plain Recipe // without this method
	return json.Marshal(struct {
		*plain

		Input  json.RawMessage `json:"input"`
		Output json.RawMessage `json:"output"`
	}{(*plain)(r), in, out})
}

// Spec is one part of a recipe with its complete settings, defaults included.
type Spec struct {
	Step     string          `json:"step"`
	Settings json.RawMessage `json:"settings"`

	part   Part
	layers []*yaml.Node // what was said about the settings
	at     place
	fuses  bool
}

// Digest names everything in the recipe that can change the output.
func (r *Recipe) Digest() troika.Digest {
	c := *r
	c.Name, c.Version, c.Description = "", "", ""
	b, _ := json.Marshal(&c) // plain structs and JSON that was made by canonical
	return troika.Sum(b)
}

// file is a recipe as it is written.
type file struct {
	Format      int
	Name        string
	Version     string
	Description string
	Use         []string
	Without     []string
	Set         yaml.Node
	Input       *yaml.Node
	Steps       []yaml.Node
	Output      *yaml.Node
}

// Open returns a recipe by the name of a shipped one.
func Open(name string) (*Recipe, error) { return open(name, nil) }

// OpenFS returns the recipe in a file of fsys. What it uses is looked up beside
// it where the name ends in .yaml or .yml, else among the shipped ones.
func OpenFS(fsys fs.FS, name string) (*Recipe, error) { return open(name, fsys) }

// IsFile reports whether a recipe's name is that of a file.
func IsFile(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

func open(name string, fsys fs.FS) (*Recipe, error) {
	d := draft{fsys: fsys, input: defaultInput(), output: defaultOutput()}
	if err := d.use(name, 0); err != nil {
		return nil, err
	}
	return d.finish()
}

// OfSteps returns the recipe that runs these steps with their default settings
// on documents as base reads them and writes what base writes. A nil base
// stands for the defaults. Steps that base has keep its settings.
func OfSteps(names []string, base *Recipe) (*Recipe, error) {
	d := draft{input: defaultInput(), output: defaultOutput()}
	d.file.Name, d.file.Version = strings.Join(names, "+"), "0"
	if base != nil {
		d.input, d.output = base.Input, base.Output
		d.file.Name, d.file.Version = base.Name+":"+d.file.Name, base.Version
	}
	for _, name := range names {
		if base != nil {
			if i := slices.IndexFunc(base.Steps, func(s Spec) bool { return s.Step == name }); i >= 0 {
				d.specs = append(d.specs, base.Steps[i])
				continue
			}
		}
		spec, err := makeSpec(name, nil, place{})
		if err != nil {
			return nil, err
		}
		d.specs = append(d.specs, spec)
	}
	return d.finish()
}

// Set returns the recipe with one setting changed. Key is STEP.SETTING, or
// input.SETTING or output.SETTING, with a dot before each setting within one;
// value is YAML. Files that the value names are looked up where the program runs.
func (r *Recipe) Set(key, value string) (*Recipe, error) {
	part, path, ok := strings.Cut(key, ".")
	if !ok || path == "" {
		return nil, fmt.Errorf("set %s: want STEP.SETTING, input.SETTING or output.SETTING", key)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(value), &doc); err != nil || len(value) > maxRecipe {
		return nil, fmt.Errorf("set %s: %q is no YAML value", key, value)
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if doc.Kind != 0 {
		node = doc.Content[0]
	}
	for _, name := range slices.Backward(strings.Split(path, ".")) {
		node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: 1}, node}}
	}
	d := draft{input: r.Input, output: r.Output, specs: slices.Clone(r.Steps)}
	d.file.Name, d.file.Version, d.file.Description = r.Name, r.Version, r.Description
	var err error
	switch part {
	case "input":
		err = decode(node, &d.input)
	case "output":
		err = decode(node, &d.output)
	default:
		at := slices.IndexFunc(d.specs, func(s Spec) bool { return s.Step == part })
		if at < 0 {
			return nil, fmt.Errorf("set %s: recipe %s has no step %q", key, r.Name, part)
		}
		old := d.specs[at]
		where := old.at
		if path == "path" || path == "model" {
			where = place{}
		}
		d.specs[at], err = makeSpec(part, append(slices.Clone(old.layers), node), where)
	}
	if err != nil {
		return nil, fmt.Errorf("set %s: %w", key, err)
	}
	return d.finish()
}

// draft is a recipe while it is put together.
type draft struct {
	fsys   fs.FS
	chain  []string // recipes that are being read, outermost first
	file   file
	input  Input
	output Output
	steps  []stepNode
	specs  []Spec
}

// stepNode is a step with what is said about its settings, in order: later
// ones win.
type stepNode struct {
	name     string
	settings []*yaml.Node
	origin   string
}

func (d *draft) use(name string, depth int) error {
	if depth > maxUse || slices.Contains(d.chain, name) {
		return fmt.Errorf("open recipe %s: it uses itself: %s", name, strings.Join(append(d.chain, name), " -> "))
	}
	content, err := d.read(name)
	if err != nil {
		return err
	}
	d.chain = append(d.chain, name)
	defer func() { d.chain = d.chain[:len(d.chain)-1] }()
	f, err := parse(content)
	if err == nil {
		for _, one := range f.Use {
			if err := d.use(one, depth+1); err != nil {
				return err
			}
		}
		err = d.add(name, f)
	}
	if err != nil {
		return fmt.Errorf("open recipe %s: %w", name, err)
	}
	d.file = f
	return nil
}

func (d *draft) read(name string) ([]byte, error) {
	if !IsFile(name) {
		content, err := shipped.ReadFile("shipped/" + name + ".yaml")
		if err != nil {
			return nil, fmt.Errorf("open recipe %s: no such recipe; there are %s, or name a .yaml file", name, strings.Join(Shipped(), ", "))
		}
		return content, nil
	}
	if d.fsys == nil {
		return nil, fmt.Errorf("open recipe %s: a shipped recipe uses shipped recipes alone", name)
	}
	f, err := d.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open recipe: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(io.LimitReader(f, maxRecipe+1))
	if err == nil && len(content) > maxRecipe {
		err = fmt.Errorf("over %d bytes", maxRecipe)
	}
	if err != nil {
		return nil, fmt.Errorf("open recipe %s: %w", name, err)
	}
	return content, nil
}

// parse reads one recipe file.
func parse(content []byte) (file, error) {
	if len(content) > maxRecipe {
		return file{}, fmt.Errorf("over %d bytes", maxRecipe)
	}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return file{}, errors.New("the file is empty")
		}
		return file{}, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return file{}, errors.New("more than one YAML document")
	}
	var f file
	if err := decode(doc.Content[0], &f); err != nil {
		return file{}, err
	}
	switch {
	case f.Format == 0:
		return file{}, fmt.Errorf("field \"format\" is missing: want format: %d", Format)
	case f.Format != Format:
		return file{}, fmt.Errorf("format %d: this program reads format %d", f.Format, Format)
	case f.Name == "" || f.Version == "":
		return file{}, errors.New("name and version are missing")
	}
	return f, nil
}

// add joins one file's own content to what the recipes it uses have said.
func (d *draft) add(origin string, f file) error {
	for _, name := range f.Without {
		n := len(d.steps)
		d.steps = slices.DeleteFunc(d.steps, func(s stepNode) bool { return s.name == name })
		if len(d.steps) == n {
			return fmt.Errorf("without %s: no recipe in use has that step", name)
		}
	}
	if f.Set.Kind != 0 {
		if f.Set.Kind != yaml.MappingNode {
			return fmt.Errorf("line %d: set: want step: settings", f.Set.Line)
		}
		for i := 0; i+1 < len(f.Set.Content); i += 2 {
			key := f.Set.Content[i]
			at := slices.IndexFunc(d.steps, func(s stepNode) bool { return s.name == key.Value })
			if at < 0 {
				return fmt.Errorf("line %d: set %s: no recipe in use has that step", key.Line, key.Value)
			}
			d.steps[at].settings = append(slices.Clone(d.steps[at].settings), f.Set.Content[i+1])
		}
	}
	for i := range f.Steps {
		s, err := parseStep(&f.Steps[i])
		if err != nil {
			return err
		}
		s.origin = origin
		d.steps = append(d.steps, s)
	}
	if f.Input != nil {
		if err := decode(f.Input, &d.input); err != nil {
			return err
		}
	}
	if f.Output != nil {
		return decode(f.Output, &d.output)
	}
	return nil
}

// parseStep reads "name" or "name: {settings}".
func parseStep(n *yaml.Node) (stepNode, error) {
	switch {
	case n.Kind == yaml.ScalarNode:
		return stepNode{name: n.Value}, checkStep(n)
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		return stepNode{name: n.Content[0].Value, settings: []*yaml.Node{n.Content[1]}}, checkStep(n.Content[0])
	default:
		return stepNode{}, fmt.Errorf("line %d: want a step as name or as name: {settings}", n.Line)
	}
}

func checkStep(n *yaml.Node) error {
	if _, err := find(Makers(), n.Value); err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	return nil
}

// finish makes the parts.
func (d *draft) finish() (*Recipe, error) {
	r := &Recipe{
		Name: d.file.Name, Version: d.file.Version, Description: d.file.Description,
		Input: d.input, Steps: d.specs, Output: d.output,
	}
	for _, s := range d.steps {
		spec, err := makeSpec(s.name, s.settings, place{d.fsys})
		if err != nil {
			return nil, fmt.Errorf("open recipe %s: %w", s.origin, err)
		}
		r.Steps = append(r.Steps, spec)
	}
	last := r.Output.needs()
	if last != "" && !slices.ContainsFunc(r.Steps, func(s Spec) bool { return s.Step == last }) {
		spec, err := makeSpec(last, nil, place{})
		if err != nil {
			return nil, err
		}
		// What is split off is split off at last.
		at := len(r.Steps)
		if at > 0 && r.Steps[at-1].part.Split != nil {
			at--
		}
		r.Steps = slices.Insert(r.Steps, at, spec)
	}
	if err := errors.Join(r.Input.check(), r.Output.check(), ordered(r.Steps)); err != nil {
		return nil, fmt.Errorf("open recipe %s: %w", r.Name, err)
	}
	return r, nil
}

// ordered refuses a step that is there twice, as decisions name steps, and one
// that comes after what pairs or splits documents.
func ordered(specs []Spec) error {
	seen := map[string]bool{}
	for _, s := range specs {
		if seen[s.Step] {
			return fmt.Errorf("step %s is there twice", s.Step)
		}
		seen[s.Step] = true
	}
	for i, s := range specs[:max(0, len(specs)-1)] {
		if s.part.Split != nil || s.part.Pairs != nil && (i < len(specs)-2 || specs[i+1].part.Split == nil) {
			return fmt.Errorf("step %s: nothing but a split may come after it", s.Step)
		}
	}
	return nil
}

// makeSpec makes a part from its settings, given in layers.
func makeSpec(name string, layers []*yaml.Node, at place) (Spec, error) {
	m, err := find(Makers(), name)
	if err != nil {
		return Spec{}, err
	}
	part, settings, err := m.build(merge(layers), at)
	if err != nil {
		return Spec{}, fmt.Errorf("step %s: %w", name, err)
	}
	b, err := canonical(settings)
	if err != nil {
		return Spec{}, fmt.Errorf("step %s: record settings: %w", name, err)
	}
	return Spec{Step: name, Settings: b, part: part, layers: layers, at: at, fuses: m.fuses}, nil
}

// merge lays mappings over one another: the last one that has a key wins. A
// layer that is no mapping is returned as it is, for decode to refuse.
func merge(layers []*yaml.Node) *yaml.Node {
	var out *yaml.Node
	for _, layer := range layers {
		if out == nil || layer.Kind != yaml.MappingNode {
			c := *layer
			c.Content = slices.Clone(layer.Content)
			out = &c
			continue
		}
		for i := 0; i+1 < len(layer.Content); i += 2 {
			key, value := layer.Content[i], layer.Content[i+1]
			at := -1
			for j := 0; j+1 < len(out.Content); j += 2 {
				if out.Content[j].Value == key.Value {
					at = j
				}
			}
			if at < 0 {
				out.Content = append(out.Content, key, value)
			} else {
				out.Content[at+1] = value
			}
		}
	}
	return out
}
