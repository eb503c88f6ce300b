package model

import (
	"fmt"

	"github.com/troikaml/troika/model/nn"
)

// Encoder makes an Architecture of the family that [nn.Encoder] covers. first returns
// the row of the position table that the first token takes; nil is row 0.
func Encoder(modelType, class string, first func(*nn.EncoderConfig) int) Architecture {
	return Architecture{ModelType: modelType, Classes: []string{class}, Parse: func(data []byte) (Config, error) {
		c, err := nn.ParseEncoderConfig(data)
		if err != nil {
			return nil, err
		}
		if first != nil {
			c.FirstPosition = first(c)
		}
		if c.Positions() < 1 {
			return nil, fmt.Errorf("max_position_embeddings %d leaves no position after the first %d", c.MaxPositionEmbeddings, c.FirstPosition)
		}
		return (*encoderConfig)(c), nil
	}}
}

type encoderConfig nn.EncoderConfig

// Facts implements [Config].
func (c *encoderConfig) Facts() Facts {
	return Facts{
		VocabSize: c.VocabSize, HiddenSize: c.HiddenSize, Layers: c.NumHiddenLayers,
		MaxPositions: (*nn.EncoderConfig)(c).Positions(), Encoder: true,
	}
}

// New implements [Config].
func (c *encoderConfig) New(l *nn.Loader) (Model, error) {
	m, err := nn.NewEncoder(nn.EncoderConfig(*c), l)
	if err != nil {
		return nil, err
	}
	return m, nil
}
