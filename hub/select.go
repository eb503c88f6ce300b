package hub

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// AllFiles is the pattern that selects every file of a repository.
const AllFiles = "**"

// DefaultPatterns lists the files Pull takes unless it is told otherwise: what
// a safetensors model or adapter needs to run, and its documents. Pickles and
// other formats' weights are left out. The caller owns the slice.
func DefaultPatterns() []string {
	return []string{
		"*.safetensors", "*.safetensors.index.json",
		"config.json", "generation_config.json", "adapter_config.json",
		"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
		"vocab.json", "vocab.txt", "merges.txt",
		"chat_template*", "*.jinja", "additional_chat_templates/*.jinja",
		"readme*", "license*", "licence*", "notice*", "use_policy*",
	}
}

// selectFiles keeps the files that match a pattern; nil patterns are the
// default. A pattern is path.Match's, without regard to case, on the whole path:
// one without a slash selects files of the top directory only.
func selectFiles(paths, patterns []string) ([]string, error) {
	byDefault := patterns == nil
	if byDefault {
		patterns = DefaultPatterns()
	}
	var out []string
	for _, p := range paths {
		ok, err := matchAny(patterns, strings.ToLower(p))
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, p)
		}
	}
	isModel := func(p string) bool { return strings.HasPrefix(p, "model") && strings.HasSuffix(p, ".safetensors") }
	if byDefault && slices.ContainsFunc(out, isModel) {
		// Mistral's repositories hold the weights twice, the second time in
		// their own layout under this name.
		out = slices.DeleteFunc(out, func(p string) bool {
			return strings.HasPrefix(p, "consolidated") && strings.Contains(p, ".safetensors")
		})
	}
	return out, nil
}

func matchAny(patterns []string, p string) (bool, error) {
	for _, pattern := range patterns {
		if pattern == AllFiles {
			return true, nil
		}
		ok, err := path.Match(strings.ToLower(pattern), p)
		if err != nil {
			return false, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}
