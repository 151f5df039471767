"""See what a cell does: its data flow as a picture, and its gates and states on a text.

flow          the data flow of a cell as a graph;  layout  its rows and columns;  geometry  these in pixels
diagram       the picture of it;  wires  from value to value;  typeset  mathematics as SVG

recorders     which runs can be looked into, and how: the one place that knows
classifier, tagger, language_model, autoencoder, transducer, series    what a model of each task does on a text
recording     all that was written down of one pass;  capture  how layers are listened to
attribution   what each token contributed;  beginnings  what layers give for every beginning of a text
timescales    how selective gates are and how long units remember;  unit_order  orders in which patterns show
probes        which units keep track of which of the `features` of a text
report        a recording as one HTML file;  heatmaps  as a PNG;  summary  as tables
"""
