"""A version as a folder that `docker build` makes an image of."""
