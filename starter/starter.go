package starter

import (
	"embed"
	"io/fs"
)

//go:embed README.md config.json generation_config.json tokenizer.json tokenizer_config.json chat_template.jinja model.safetensors
var files embed.FS

// Files returns the model as a Hugging Face directory.
func Files() fs.FS { return files }
