"""The recurrent performer's network: data, augmentation, training, evaluation, export."""
