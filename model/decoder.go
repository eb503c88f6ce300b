package model

import "github.com/troikaml/troika/model/nn"

// Decoder makes an Architecture of the family that [nn.Decoder] covers: only the
// variant differs.
func Decoder(modelType, class string, variant func(*nn.TransformerConfig) nn.Variant) Architecture {
	return Architecture{ModelType: modelType, Classes: []string{class}, Parse: func(data []byte) (Config, error) {
		c, err := nn.ParseTransformerConfig(data)
		if err != nil {
			return nil, err
		}
		d, err := c.Decoder(variant(c))
		if err != nil {
			return nil, err
		}
		return &decoderConfig{shared: c, decoder: d}, nil
	}}
}

type decoderConfig struct {
	shared  *nn.TransformerConfig
	decoder *nn.DecoderConfig
}

// Facts implements [Config].
func (c *decoderConfig) Facts() Facts {
	return Facts{
		VocabSize: c.decoder.VocabSize, HiddenSize: c.decoder.HiddenSize, Layers: c.decoder.NumHiddenLayers,
		MaxPositions: c.shared.MaxPositionEmbeddings, TiedHead: c.decoder.TieWordEmbeddings,
		NormOffset: c.decoder.NormOffset,
	}
}

// New implements [Config].
func (c *decoderConfig) New(l *nn.Loader) (Model, error) {
	m, err := nn.NewDecoder(*c.decoder, l)
	if err != nil {
		return nil, err
	}
	return m, nil
}
