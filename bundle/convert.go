package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/model/recipe"
	"github.com/troikaml/troika/tensor"
	"github.com/troikaml/troika/tokenizer"
	vocab "github.com/troikaml/troika/tokenizer/gguf"
)

// A GGUF file of ours keeps what GGUF cannot say under keys of its own, which others
// pass over: the small files of the directory that it was made from, byte for byte, and
// the types of tensors that llama.cpp wants as F32, and tensors that it wants shifted.
const (
	fileKey = "troika.file."
	// dtypesKey has JSON: Hugging Face's names to dtypes. {e} in a name is every expert.
	dtypesKey = "troika.dtypes"
	// bytesKey and a tensor's name: its bytes, where what GGUF has for it is rounded.
	bytesKey = "troika.bytes."
	// shapesKey has JSON: the shapes of tensors that GGUF has no place for, which are kept
	// under bytesKey.
	shapesKey = "troika.shapes"
)

// keptFiles are the small files that are kept.
var keptFiles = []string{
	configName, tokenizerName, tokenizerConfigName, generationName, "chat_template.jinja", modulesName, sentenceBertName,
}

// fileTypes are ggml's numbers of the types that a file mostly has (llama_ftype).
var fileTypes = map[tensor.DType]uint32{
	tensor.F32: 0, tensor.F16: 1, tensor.Q4_0: 2, tensor.Q4_1: 3, tensor.Q8_0: 7, tensor.Q5_0: 8, tensor.Q5_1: 9,
	tensor.Q4K: 15, tensor.Q5K: 17, tensor.Q6K: 18, tensor.BF16: 32,
}

// Conversion says how a model is written.
type Conversion struct {
	// Name stands in the file for people.
	Name string
	// DType chooses the type of each tensor of a GGUF file, by its name there, its shape
	// and its own type. Nil keeps types, but for what llama.cpp wants as F32: vectors, routers
	// of experts, and what is added to an encoder's embeddings.
	DType func(checkpoint.Entry) tensor.DType
	// Threads is how many goroutines convert numbers; 0 means one. The bytes are the same
	// for any.
	Threads int
	// Progress is told how many bytes of how many are written; it may be nil.
	Progress func(done, total int64)
}

// KeepTypes is the choice of a nil Conversion.DType.
func KeepTypes(e checkpoint.Entry) tensor.DType {
	if wide(e) {
		return tensor.F32
	}
	return e.DType
}

// Matrices chooses d for matrices that are not quantised, and otherwise as KeepTypes does.
func Matrices(d tensor.DType) func(checkpoint.Entry) tensor.DType {
	return func(e checkpoint.Entry) tensor.DType {
		if e.DType.Quantized() || wide(e) {
			return KeepTypes(e)
		}
		return d
	}
}

// wide reports whether llama.cpp wants a tensor as F32: vectors, the routers of mixtures
// of experts, and what is added to an encoder's embeddings.
func wide(e checkpoint.Entry) bool {
	return len(e.Shape) < 2 || strings.Contains(e.Name, "ffn_gate_inp") ||
		e.Name == "position_embd.weight" || e.Name == "token_types.weight"
}

func (c *Conversion) complete() {
	if c.DType == nil {
		c.DType = KeepTypes
	}
	c.Threads = max(c.Threads, 1)
	if c.Progress == nil {
		c.Progress = func(int64, int64) {}
	}
}

// WriteGGUF writes the model as a GGUF file, whole or not at all. It returns what
// llama.cpp will not find in it, in words.
func (b *Bundle) WriteGGUF(path string, c Conversion) (losses []string, err error) {
	if losses, err = b.writeGGUF(path, c); err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return losses, nil
}

// GGUF returns how the model lies in GGUF files, and its config.json.
func (b *Bundle) GGUF() (r *recipe.Recipe, config []byte, err error) {
	if r = b.architecture.GGUF; r == nil {
		return nil, nil, fmt.Errorf("models of type %s have no form in GGUF", b.architecture.ModelType)
	}
	config, err = readSmall(b.files, configName)
	return r, config, err
}

func (b *Bundle) writeGGUF(path string, c Conversion) (losses []string, err error) {
	c.complete()
	r, config, err := b.GGUF()
	if err != nil {
		return nil, err
	}
	w, err := b.weights()
	if err != nil {
		return nil, err
	}
	defer w.close() //nolint:errcheck // only read
	// Tensors are turned around in their own types, and encoded after that.
	v, err := r.GGUF(w.Reader, config, func(e checkpoint.Entry) tensor.DType { return e.DType })
	if err != nil {
		return nil, err
	}
	for _, name := range v.Left {
		losses = append(losses, fmt.Sprintf("tensor %s has no place in GGUF", name))
	}
	m := &gguf.Metadata{}
	m.Set(architectureKey, r.Architecture)
	m.Set("general.type", "model")
	if c.Name != "" {
		m.Set("general.name", c.Name)
	}
	if err := r.Metadata(config, m); err != nil {
		return nil, err
	}
	if r.Losses != nil {
		more, err := r.Losses(config)
		if err != nil {
			return nil, err
		}
		losses = append(losses, more...)
	}
	plan, kept, err := planOf(v, &c)
	if err != nil {
		return nil, err
	}
	b.setPooling(m, r.Architecture)
	m.Set("general.file_type", fileTypes[mostly(plan)])
	loss, err := b.setTokenizer(m)
	if err != nil {
		return nil, err
	}
	if loss != "" {
		losses = append(losses, loss)
	}
	inexact, err := v.Inexact()
	if err != nil {
		return nil, err
	}
	shapes := map[string][]int{}
	for _, name := range v.Kept {
		if inexact[name], err = w.Tensor(name); err != nil {
			return nil, err
		}
		shapes[name] = inexact[name].Shape
	}
	if err := b.keep(m, kept, inexact); err != nil {
		return nil, err
	}
	if len(shapes) > 0 {
		text, err := json.Marshal(shapes)
		if err != nil {
			return nil, err
		}
		m.Set(shapesKey, string(text))
	}
	return losses, copyTensors(v, plan, &c, func() (output, error) { return gguf.Create(path, plan, m) })
}

// NamesGGUF lists the tensors as a GGUF file names them, sorted.
func (b *Bundle) NamesGGUF() ([]string, error) {
	r, config, err := b.GGUF()
	if err != nil {
		return nil, err
	}
	w, err := b.weights()
	if err != nil {
		return nil, err
	}
	defer w.close() //nolint:errcheck // only read
	v, err := r.GGUF(w.Reader, config, KeepTypes)
	if err != nil {
		return nil, err
	}
	return v.Names(), nil
}

// planOf lists the tensors with their types, and the types, by Hugging Face's names, that are not kept.
func planOf(v interface {
	checkpoint.Reader
	Source(name string) string
	SourceType(name string) tensor.DType
}, c *Conversion,
) (plan []checkpoint.Entry, kept map[string]string, err error) {
	if plan, err = checkpoint.Plan(v); err != nil {
		return nil, nil, err
	}
	kept = map[string]string{}
	for i, e := range plan {
		plan[i].DType = c.DType(e)
		own := v.SourceType(e.Name)
		if from := v.Source(e.Name); from != "" && plan[i].DType != own && !plan[i].DType.Quantized() && !own.Quantized() {
			kept[from] = own.String()
		}
	}
	return plan, kept, nil
}

// mostly returns the type that most bytes of matrices have.
func mostly(plan []checkpoint.Entry) tensor.DType {
	size := map[tensor.DType]int{}
	for _, e := range plan {
		size[e.DType] += e.DType.Bytes(tensor.Elems(e.Shape))
	}
	types := slices.Sorted(maps.Keys(size))
	return slices.MaxFunc(types, func(x, y tensor.DType) int { return size[x] - size[y] })
}

// setTokenizer writes the tokenizer and the chat templates.
func (b *Bundle) setTokenizer(m *gguf.Metadata) (loss string, err error) {
	data, err := readSmall(b.files, tokenizerName)
	if err != nil {
		return "", err
	}
	var settings tokenizer.Config
	if text, err := readSmall(b.files, tokenizerConfigName); err == nil {
		if settings, err = tokenizer.LoadConfig(bytes.NewReader(text)); err != nil {
			return "", err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	v, loss, err := vocab.FromJSON(data, settings, b.Facts.VocabSize)
	if err != nil {
		return "", err
	}
	v.Write(m.Set)
	for _, name := range slices.Sorted(maps.Keys(b.sources)) {
		key := templateKey
		if name != "default" {
			key += "." + name
		}
		m.Set(key, b.sources[name])
	}
	return loss, nil
}

// keep writes what GGUF has no keys for.
func (b *Bundle) keep(m *gguf.Metadata, dtypes map[string]string, inexact map[string]tensor.Tensor) error {
	for _, name := range slices.Sorted(maps.Keys(inexact)) {
		t := inexact[name]
		m.Set(bytesKey+name, t.Data)
		if dtypes[name] == "" {
			dtypes[name] = t.DType.String()
		}
	}
	if !gguf.Is(b.Dir) { // what was laid out from a foreign file follows from it again
		for _, name := range b.smallFiles() {
			text, err := readSmall(b.files, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			m.Set(fileKey+name, string(text))
		}
	}
	if len(dtypes) == 0 {
		return nil
	}
	text, err := json.Marshal(dtypes)
	m.Set(dtypesKey, string(text))
	return err
}

// restore puts kept files in the place of those that were made from metadata.
func restore(m *gguf.Metadata, files memory) error {
	for _, key := range m.Keys() {
		name, ok := strings.CutPrefix(key, fileKey)
		if !ok || !slices.Contains(keptFiles, name) && !isModuleConfig(name) {
			continue
		}
		text, err := m.Text(key)
		if err != nil {
			return err
		}
		files[name] = []byte(text)
	}
	return nil
}

// restoreBytes puts kept tensors in the place of those that were made from rounded ones.
func restoreBytes(f *gguf.File, v *recipe.View) error {
	dtypes, err := dtypesOf(f)
	if err != nil {
		return err
	}
	shapes := map[string][]int{}
	if f.KV().Has(shapesKey) {
		text, err := f.KV().Text(shapesKey)
		if err == nil {
			err = json.Unmarshal([]byte(text), &shapes)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", shapesKey, err)
		}
	}
	for _, key := range f.KV().Keys() {
		name, ok := strings.CutPrefix(key, bytesKey)
		if !ok {
			continue
		}
		value, _ := f.KV().Get(key)
		data, ok := value.([]uint8)
		if shape, apart := shapes[name]; apart {
			if err := v.Add(name, tensor.Tensor{DType: dtypes[name], Shape: shape, Data: data}); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			continue
		}
		e, err := v.Entry(name)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		dtype, known := dtypes[name]
		if !ok || !known || dtype.Bytes(tensor.Elems(e.Shape)) != len(data) {
			return fmt.Errorf("%s does not hold the bytes of a tensor of shape %v", key, e.Shape)
		}
		if err := v.Restore(name, tensor.Tensor{DType: dtype, Shape: e.Shape, Data: data}); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// output is where tensors are written.
type output interface {
	checkpoint.Writer
	checkpoint.Filler
	Abort()
}

// pieceBytes bounds how much of a tensor is read before it is written and given back to
// the system, so that memory does not grow with the model.
const pieceBytes = 32 << 20

// copyTensors writes the tensors of r, each in the type of its plan.
func copyTensors(r checkpoint.Reader, plan []checkpoint.Entry, c *Conversion, create func() (output, error)) error {
	k := &copier{r: r, c: c}
	entries := map[string]checkpoint.Entry{}
	for _, e := range plan {
		k.total += int64(e.DType.Bytes(tensor.Elems(e.Shape)))
		entries[e.Name] = e
	}
	w, err := create()
	if err != nil {
		return err
	}
	for _, name := range w.Order() {
		err := w.Fill(name, func(put func([]byte) error) error { return k.tensor(entries[name], put) })
		if err != nil {
			w.Abort()
			return fmt.Errorf("tensor %s: %w", name, err)
		}
	}
	return w.Close() // which aborts where it fails
}

// copier writes tensors in pieces.
type copier struct {
	r           checkpoint.Reader
	c           *Conversion
	done, total int64
}

// tensor hands a tensor to put, in its type of the plan.
func (k *copier) tensor(e checkpoint.Entry, put func([]byte) error) error {
	v, ok := k.r.(interface {
		Pieces(name string) int
		Piece(name string, i int) (tensor.Tensor, error)
	})
	if !ok {
		t, err := k.r.Tensor(e.Name)
		if err != nil {
			return err
		}
		return k.rows(e, t, put)
	}
	for i := range v.Pieces(e.Name) {
		t, err := v.Piece(e.Name, i)
		if err != nil {
			return err
		}
		if err := k.rows(e, t, put); err != nil {
			return err
		}
	}
	return nil
}

// rows hands a tensor, or a piece of one, to put.
func (k *copier) rows(e checkpoint.Entry, t tensor.Tensor, put func([]byte) error) error {
	rows, step := 1, 1
	if n := len(t.Shape); n > 1 && t.Len() > 0 {
		rows = t.Len() / t.Shape[n-1]
		if wide := t.DType.Bytes(t.Shape[n-1]); wide > 0 {
			step = max(1, pieceBytes/wide)
		} else {
			rows = 1
		}
	}
	size := len(t.Data) / rows
	for at := 0; at < rows; at += step {
		part := t
		if n := min(step, rows-at); n < rows {
			part.Shape = []int{n, t.Shape[len(t.Shape)-1]}
			part.Data = t.Data[at*size : (at+n)*size]
		}
		if part.DType != e.DType {
			var err error
			if part, err = encode(part, e.DType, k.c.Threads); err != nil {
				return err
			}
		}
		if err := put(part.Data); err != nil {
			return err
		}
		if s, ok := k.r.(interface{ Release(name string) error }); ok {
			if err := s.Release(e.Name); err != nil {
				return err
			}
		}
		k.done += int64(len(part.Data))
		k.c.Progress(k.done, k.total)
	}
	return nil
}

// encode converts a tensor to a type, some rows at a time, so that their numbers as
// float32 take little memory.
func encode(t tensor.Tensor, d tensor.DType, threads int) (tensor.Tensor, error) {
	const least = 1 << 18 // numbers that are worth a goroutine
	cols := t.Shape[max(0, len(t.Shape)-1):]
	if len(cols) == 0 || cols[0] == 0 || t.Len() < 2*least {
		return t.Encode(d)
	}
	rows, from, to := t.Len()/cols[0], t.DType.Bytes(cols[0]), d.Bytes(cols[0])
	if from < 0 || to < 0 {
		return t.Encode(d)
	}
	out := tensor.Tensor{DType: d, Shape: t.Shape, Data: make([]byte, rows*to)}
	step := max(1, least/cols[0])
	var next atomic.Int64
	var group sync.WaitGroup
	faults := make([]error, threads)
	for i := range threads {
		group.Go(func() {
			for faults[i] == nil {
				r0 := int(next.Add(int64(step))) - step
				if r0 >= rows {
					return
				}
				r1 := min(r0+step, rows)
				part := tensor.Tensor{DType: t.DType, Shape: []int{r1 - r0, cols[0]}, Data: t.Data[r0*from : r1*from]}
				part, err := part.Encode(d)
				if err != nil {
					faults[i] = fmt.Errorf("rows %d to %d: %w", r0, r1, err)
					return
				}
				copy(out.Data[r0*to:], part.Data)
			}
		})
	}
	group.Wait()
	return out, errors.Join(faults...)
}

// WriteDir writes the model as a Hugging Face directory: the configuration last, so that
// a directory that was not finished is no model. Quantised tensors become F32, which
// holds their values exactly; types that a GGUF file of ours had to change come back.
func (b *Bundle) WriteDir(dir string, c Conversion) error {
	if err := b.writeDir(dir, c); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	return nil
}

func (b *Bundle) writeDir(dir string, c Conversion) error {
	c.complete()
	w, err := b.weights()
	if err != nil {
		return err
	}
	defer w.close() //nolint:errcheck // only read
	dtypes, err := b.keptTypes()
	if err != nil {
		return err
	}
	plan, err := checkpoint.Plan(w.Reader)
	if err != nil {
		return err
	}
	for i, e := range plan {
		if d, ok := dtypes[e.Name]; ok {
			plan[i].DType = d
		} else if d, ok := dtypes[recipe.Stack(e.Name)]; ok {
			plan[i].DType = d
		} else if e.DType.Quantized() {
			plan[i].DType = tensor.F32
		}
	}
	if err := fsx.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	err = copyTensors(w.Reader, plan, &c, func() (output, error) {
		return safetensors.Create(filepath.Join(dir, safetensors.SingleName), plan, map[string]string{"format": "pt"})
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Backward(b.smallFiles()) { // config.json comes last
		text, err := readSmall(b.files, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = fsx.MkdirAll(filepath.Join(dir, filepath.Dir(filepath.FromSlash(name))), 0o755)
		}
		if err == nil {
			err = fsx.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keptTypes reads the types that tensors had before they were a GGUF file's.
func (b *Bundle) keptTypes() (map[string]tensor.DType, error) {
	if !gguf.Is(b.Dir) {
		return nil, nil
	}
	f, err := gguf.Open(b.Dir)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return dtypesOf(f)
}

func dtypesOf(f *gguf.File) (map[string]tensor.DType, error) {
	if !f.KV().Has(dtypesKey) {
		return nil, nil
	}
	text, err := f.KV().Text(dtypesKey)
	if err != nil {
		return nil, err
	}
	var names map[string]string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, fmt.Errorf("%s: %w", dtypesKey, err)
	}
	out := map[string]tensor.DType{}
	for name, dtype := range names {
		if out[name], err = tensor.ParseDType(dtype); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", dtypesKey, name, err)
		}
	}
	return out, nil
}
