package decontaminate

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/text"
)

// Settings say what contaminates.
type Settings struct {
	// Words is the length of an n-gram; 13 is that of GPT-3 (Brown et al., 2020).
	Words int `json:"words" yaml:"words"`
	// MinHits is how many different n-grams of one item a document must hold.
	MinHits int `json:"min_hits" yaml:"min_hits"`
	// MinShare is the share of an item's n-grams that it must hold, from 0 to 1.
	MinShare float64 `json:"min_share" yaml:"min_share"`
	// MaxItems is in how many items an n-gram may stand before it is boilerplate.
	MaxItems int `json:"max_items" yaml:"max_items"`
}

// Defaults returns the settings of GPT-3's rule: one n-gram of 13 words is
// enough. N-grams of more than 10 items are boilerplate.
func Defaults() Settings { return Settings{Words: 13, MinHits: 1, MaxItems: 10} }

func (s Settings) validate() error {
	switch {
	case s.Words < 1 || s.Words > 1000:
		return fmt.Errorf("decontaminate: words %d: want 1 to 1000", s.Words)
	case s.MinHits < 1, s.MaxItems < 1, !(s.MinShare >= 0 && s.MinShare <= 1):
		return fmt.Errorf("decontaminate: min_hits %d, max_items %d, min_share %g: want at least 1, at least 1 and 0 to 1", s.MinHits, s.MaxItems, s.MinShare)
	}
	return nil
}

// Item is a text of a benchmark.
type Item struct {
	// Benchmark and ID name it in reports.
	Benchmark, ID string
	// Texts are its parts, such as a question and its answer; no n-gram goes from
	// one to the next.
	Texts []string
}

// entry is an n-gram of an item.
type entry struct {
	hash uint64
	item uint32
}

// filterBits is how many bits the filter has for each n-gram.
const filterBits = 16

// Set is an index of items. It is read-only and safe for concurrent use.
type Set struct {
	settings Settings
	names    []name
	of       []int // n-grams of each item, without boilerplate
	entries  []entry
	filter   []uint64 // a bit for each hash, told by its high bits
	shift    uint
	// Short counts the items that have fewer words than an n-gram in each of
	// their texts and so cannot be found; Boilerplate counts the n-grams that
	// were left out.
	Short, Boilerplate int
}

type name struct{ benchmark, id string }

// NewSet returns the index of the items. Items must have different names.
func NewSet(s Settings, items []Item) (*Set, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Benchmark, b.Benchmark), cmp.Compare(a.ID, b.ID))
	})
	set := &Set{settings: s}
	var shingler text.Shingler
	var hashes []uint64
	for i, item := range items {
		if i > 0 && item.Benchmark == items[i-1].Benchmark && item.ID == items[i-1].ID {
			return nil, fmt.Errorf("decontaminate: two items %s of %s", item.ID, item.Benchmark)
		}
		set.names = append(set.names, name{item.Benchmark, item.ID})
		hashes = hashes[:0]
		for _, t := range item.Texts {
			more, words := shingler.Append(hashes, t, s.Words)
			if words >= s.Words {
				hashes = more
			}
		}
		if len(hashes) == 0 {
			set.Short++
		}
		slices.Sort(hashes)
		for _, h := range slices.Compact(hashes) {
			set.entries = append(set.entries, entry{h, uint32(i)})
		}
	}
	set.index()
	return set, nil
}

// index sorts the entries, leaves boilerplate out and fills the filter.
func (s *Set) index() {
	slices.SortFunc(s.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.item, b.item))
	})
	kept := s.entries[:0]
	s.of = make([]int, len(s.names))
	for i := 0; i < len(s.entries); {
		j := i
		for j < len(s.entries) && s.entries[j].hash == s.entries[i].hash {
			j++
		}
		if j-i > s.settings.MaxItems {
			s.Boilerplate++
		} else {
			for _, e := range s.entries[i:j] {
				s.of[e.item]++
				kept = append(kept, e)
			}
		}
		i = j
	}
	s.entries = slices.Clip(kept)
	size := uint(6)
	for 1<<size < filterBits*len(s.entries) {
		size++
	}
	s.shift = 64 - size
	s.filter = make([]uint64, 1<<(size-6))
	for _, e := range s.entries {
		bit := e.hash >> s.shift
		s.filter[bit/64] |= 1 << (bit % 64)
	}
}

// Items returns the number of items.
func (s *Set) Items() int { return len(s.names) }

// Digest names the set and its settings: equal digests find the same.
func (s *Set) Digest() troika.Digest {
	b, _ := json.Marshal(s.settings) // a plain struct
	for _, n := range s.names {
		b = append(append(append(append(b, n.benchmark...), 0), n.id...), 0)
	}
	for _, e := range s.entries {
		b = binary.LittleEndian.AppendUint64(b, e.hash)
		b = binary.LittleEndian.AppendUint32(b, e.item)
	}
	return troika.Sum(b)
}

// Hit is an item that a text shares n-grams with.
type Hit struct {
	// Benchmark and ID name the item.
	Benchmark string `json:"benchmark"`
	ID        string `json:"id"`
	// Shared of the item's Of different n-grams stand in the text.
	Shared int `json:"shared"`
	Of     int `json:"of"`
}

// Share returns the part of the item that is in the text.
func (h Hit) Share() float64 { return float64(h.Shared) / float64(h.Of) }

// Match returns the items that contaminate a text, in the order of their names.
func (s *Set) Match(t string) []Hit {
	var shingler text.Shingler
	hashes, words := shingler.Append(nil, t, s.settings.Words)
	if words < s.settings.Words {
		return nil
	}
	found := hashes[:0]
	for _, h := range hashes {
		bit := h >> s.shift
		if s.filter[bit/64]&(1<<(bit%64)) != 0 {
			found = append(found, h)
		}
	}
	slices.Sort(found)
	var shared []uint32
	for _, h := range slices.Compact(found) {
		i, _ := slices.BinarySearchFunc(s.entries, h, func(e entry, h uint64) int { return cmp.Compare(e.hash, h) })
		for ; i < len(s.entries) && s.entries[i].hash == h; i++ {
			shared = append(shared, s.entries[i].item)
		}
	}
	slices.Sort(shared)
	var hits []Hit
	for i := 0; i < len(shared); {
		j, item := i, shared[i]
		for j < len(shared) && shared[j] == item {
			j++
		}
		h := Hit{Benchmark: s.names[item].benchmark, ID: s.names[item].id, Shared: j - i, Of: s.of[item]}
		if h.Shared >= s.settings.MinHits && h.Share() >= s.settings.MinShare {
			hits = append(hits, h)
		}
		i = j
	}
	return hits
}

// ErrEmpty says that a set holds nothing that could be found.
var ErrEmpty = errors.New("no benchmark item is long enough to be found")

// Report is what contaminates a corpus: for each item the documents. The zero
// value is empty. It is for one goroutine.
type Report struct {
	found map[name]map[string]Hit
}

// Add puts in the hits of a document.
func (r *Report) Add(document string, hits []Hit) {
	for _, h := range hits {
		n := name{h.Benchmark, h.ID}
		if r.found == nil {
			r.found = map[name]map[string]Hit{}
		}
		if r.found[n] == nil {
			r.found[n] = map[string]Hit{}
		}
		r.found[n][document] = h
	}
}

// Finding is a line of a report.
type Finding struct {
	Hit
	Document string `json:"document"`
}

// Findings returns the report ordered by benchmark, item and document.
func (r *Report) Findings() []Finding {
	var out []Finding
	for _, documents := range r.found {
		for document, h := range documents {
			out = append(out, Finding{h, document})
		}
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Benchmark, b.Benchmark), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Document, b.Document))
	})
	return out
}

// WriteTo writes the findings as JSON, one a line. It implements io.WriterTo.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for _, f := range r.Findings() {
		b, err := json.Marshal(f)
		if err != nil {
			return total, fmt.Errorf("write contamination report: %w", err)
		}
		n, err := w.Write(append(b, '\n'))
		total += int64(n)
		if err != nil {
			return total, fmt.Errorf("write contamination report: %w", err)
		}
	}
	return total, nil
}
