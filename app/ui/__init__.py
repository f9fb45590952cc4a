"""The window: widgets, models and painting. Asks services through jobs; decides nothing clinical itself."""
