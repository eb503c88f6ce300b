package bert

import "github.com/troikaml/troika/model"

// Architecture reads config.json of model_type "bert".
var Architecture = model.Encoder("bert", "BertModel", nil)
