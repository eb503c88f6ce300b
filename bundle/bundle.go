package bundle

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
	"github.com/troikaml/troika/tokenizer"
	"github.com/troikaml/troika/tokenizer/chat"
)

// maxSmallFile bounds configuration and template files, in bytes.
const maxSmallFile = 64 << 20

// Bundle is an opened model.
type Bundle struct {
	Dir        string // the directory, or the GGUF file
	Config     model.Config
	Facts      model.Facts
	Tokenizer  *tokenizer.Tokenizer
	Generation Generation
	Embedding  *Embedding // nil for a model that makes no embeddings

	sources   map[string]string         // chat templates by name
	templates map[string]*chat.Template // the same, parsed
	vars      map[string]chat.Value     // special tokens, for the templates
	modules   []string                  // folders of Sentence Transformers' modules with settings
	blank     map[*chat.Template]bool   // those that fail where a message has no content

	architecture model.Architecture

	vocabulary vocabulary
	tools      vocabulary // with what calls are written with

	files   fs.FS // configuration, tokenizer and templates, laid out as a directory
	weights func() (weights, error)
	hashed  func() ([]string, error) // the files that determine answers
}

// weights is an open checkpoint in Hugging Face's layout. Closing it closes its file.
type weights struct {
	checkpoint.Reader
	close func() error
}

// Generation is generation_config.json, with the end tokens of config.json where
// it names none.
type Generation struct {
	EOS         []int32  // tokens that end an answer
	Temperature *float64 // nil when the file does not say
	TopP        *float64
	TopK        *int
	DoSample    bool
}

// Open reads a Hugging Face directory or a GGUF file, of which the first part's name
// stands for all. known lists the architectures.
func Open(path string, known []model.Architecture) (*Bundle, error) {
	b := &Bundle{Dir: path}
	h, err := b.openHead(known)
	if err == nil {
		defer h.close()
		err = b.openRest(h)
	}
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", path, err)
	}
	return b, nil
}

// OpenModel is [Open] and [Bundle.Load] of a model that is not trained, in less time:
// weights are prepared while the tokenizer is made. device is asked for the model's
// device once its facts are known; an error it returns is returned as it is.
func OpenModel(path string, known []model.Architecture, device func(model.Facts) (compute.Device, error)) (*Bundle, model.Model, error) {
	b := &Bundle{Dir: path}
	h, err := b.openHead(known)
	if err != nil {
		return nil, nil, fmt.Errorf("open model %s: %w", path, err)
	}
	defer h.close()
	dev, err := device(b.Facts)
	if err != nil {
		return nil, nil, err
	}
	rest := make(chan error, 1)
	go func() {
		err := b.openRest(h)
		debug.FreeOSMemory() // what parsing left, before the last weights take its place
		rest <- err
	}()
	m, err := b.load(h.weights, dev, false)
	if failed := <-rest; failed != nil {
		if err == nil {
			m.Free()
		}
		return nil, nil, fmt.Errorf("open model %s: %w", path, failed)
	}
	if err != nil {
		return nil, nil, err
	}
	return b, m, nil
}

// head is what a model's kind is read from.
type head struct {
	config  []byte
	file    *gguf.File     // nil for a directory
	recipe  *recipe.Recipe // of the file
	weights func() (weights, error)
}

// close closes the file; what weights returned must not be used after it.
func (h *head) close() {
	if h.file != nil {
		_ = h.file.Close() // only read
	}
}

// openHead reads the configuration, and of a GGUF file everything but tensors. The
// caller closes the head.
func (b *Bundle) openHead(known []model.Architecture) (*head, error) {
	open := b.openDir
	if gguf.Is(b.Dir) {
		open = func() (*head, error) { return b.openGGUF(known) }
	}
	h, err := open()
	if err != nil {
		return nil, err
	}
	if b.architecture, err = model.Find(known, h.config); err == nil {
		b.Config, err = model.Parse(known, h.config)
	}
	if err != nil {
		h.close()
		return nil, err
	}
	b.Facts = b.Config.Facts()
	return h, nil
}

// openRest reads everything else but the weights.
func (b *Bundle) openRest(h *head) error {
	if h.file != nil {
		files, err := layOut(h.file, h.recipe, h.config)
		if err != nil {
			return err
		}
		b.files = files
	}
	if err := b.openTokenizer(); err != nil {
		return err
	}
	if err := b.openTemplates(); err != nil {
		return err
	}
	if err := b.openEmbedding(); err != nil {
		return err
	}
	return b.openGeneration(h.config)
}

// The files of a directory that this package reads.
const (
	configName          = "config.json"
	tokenizerName       = "tokenizer.json"
	tokenizerConfigName = "tokenizer_config.json"
	generationName      = "generation_config.json"
)

func (b *Bundle) openDir() (*head, error) {
	b.files = os.DirFS(b.Dir)
	b.weights = func() (weights, error) {
		f, err := safetensors.Open(b.Dir)
		if err != nil {
			return weights{}, err
		}
		r, err := withExperts(withRoot(f))
		if err != nil {
			return weights{}, errors.Join(err, f.Close())
		}
		return weights{r, f.Close}, nil
	}
	b.hashed = func() ([]string, error) {
		names, err := filepath.Glob(filepath.Join(b.Dir, "*.safetensors"))
		slices.Sort(names)
		return append([]string{filepath.Join(b.Dir, configName), filepath.Join(b.Dir, tokenizerName)}, names...), err
	}
	config, err := readSmall(b.files, configName)
	return &head{config: config, weights: b.weights}, err
}

func readSmall(files fs.FS, name string) ([]byte, error) { return readFile(files, name, maxSmallFile) }

// readFile reads a file of at most so many bytes, which the caller must not change.
func readFile(files fs.FS, name string, most int) ([]byte, error) {
	var data []byte
	if m, ok := files.(memory); ok && m[name] != nil {
		data = m[name] // no copy: a tokenizer.json has megabytes
	} else {
		f, err := files.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // only read
		if data, err = io.ReadAll(io.LimitReader(f, int64(most)+1)); err != nil {
			return nil, err
		}
	}
	if len(data) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, most)
	}
	return data, nil
}

func (b *Bundle) openTokenizer() error {
	data, err := readFile(b.files, tokenizerName, tokenizer.MaxFileSize)
	if err != nil {
		return err
	}
	if b.Tokenizer, err = tokenizer.Parse(data); err != nil {
		return fmt.Errorf("tokenizer.json: %w", err)
	}
	if n := b.Tokenizer.VocabSize(); n > b.Facts.VocabSize {
		return fmt.Errorf("tokenizer.json has %d tokens, the model's vocabulary is %d", n, b.Facts.VocabSize)
	}
	return nil
}

// openTemplates parses every chat template and the special tokens they name.
func (b *Bundle) openTemplates() error {
	var err error
	if b.sources, err = chat.Resolve(b.files); err != nil {
		return err
	}
	b.templates = map[string]*chat.Template{}
	for name, source := range b.sources {
		if b.templates[name], err = chat.Parse("chat_template "+name, source); err != nil {
			return err
		}
	}
	if b.vars, err = chat.SpecialTokens(b.files); err != nil {
		return err
	}
	b.blank = map[*chat.Template]bool{}
	for _, t := range b.templates {
		b.blank[t] = chat.NeedsContent(t, b.vars)
	}
	return nil
}

// intOrList reads eos_token_id, which is a number, a list or null.
type intOrList []int32

func (v *intOrList) UnmarshalJSON(data []byte) error {
	var one int32
	if json.Unmarshal(data, &one) == nil && string(data) != "null" {
		*v = intOrList{one}
		return nil
	}
	var list []int32
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*v = list
	return nil
}

func (b *Bundle) openGeneration(config []byte) error {
	type fields struct {
		EOS         intOrList `json:"eos_token_id"`
		Temperature *float64  `json:"temperature"`
		TopP        *float64  `json:"top_p"`
		TopK        *int      `json:"top_k"`
		DoSample    bool      `json:"do_sample"`
	}
	var c, g fields
	if err := json.Unmarshal(config, &c); err != nil {
		return fmt.Errorf("config.json: %w", err)
	}
	data, err := readSmall(b.files, generationName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := json.Unmarshal(data, &g); err != nil {
			return fmt.Errorf("generation_config.json: %w", err)
		}
	}
	if g.EOS == nil {
		g.EOS = c.EOS
	}
	b.Generation = Generation{EOS: g.EOS, Temperature: g.Temperature, TopP: g.TopP, TopK: g.TopK, DoSample: g.DoSample}
	if eos, ok := b.vars["eos_token"]; ok {
		text, _ := eos.Str()
		if id, ok := b.Tokenizer.ID(text); ok && !slices.Contains(b.Generation.EOS, id) {
			b.Generation.EOS = append(b.Generation.EOS, id)
		}
	}
	return nil
}

// Load builds the model on dev; with trainable, its parameters can be changed.
// Quantised tensors of a GGUF file go to the device as they are.
func (b *Bundle) Load(dev compute.Device, trainable bool) (model.Model, error) {
	return b.load(b.weights, dev, trainable)
}

func (b *Bundle) load(open func() (weights, error), dev compute.Device, trainable bool) (model.Model, error) {
	w, err := open()
	if err != nil {
		return nil, fmt.Errorf("load model %s: %w", b.Dir, err)
	}
	defer w.close() //nolint:errcheck // only read
	m, err := b.Config.New(nn.NewLoader(dev, nn.FromCheckpoint(w.Reader), trainable))
	if err != nil {
		return nil, fmt.Errorf("load model %s: %w", b.Dir, err)
	}
	return m, nil
}

// Digest hashes what determines the model's answers: configuration, tokenizer and
// weights. It reads every byte of them.
func (b *Bundle) Digest() (troika.Digest, error) {
	h := sha256.New()
	names, err := b.hashed()
	if err != nil {
		return troika.Digest{}, err
	}
	for _, name := range names {
		sum, err := hashFile(name)
		if err != nil {
			return troika.Digest{}, fmt.Errorf("hash model: %w", err)
		}
		_, _ = fmt.Fprintf(h, "%s %s\n", filepath.Base(name), sum)
	}
	return troika.DigestOf(h), nil
}

func hashFile(name string) (troika.Digest, error) {
	f, err := os.Open(name)
	if err != nil {
		return troika.Digest{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return troika.Digest{}, err
	}
	return troika.DigestOf(h), nil
}
