int xnn_unneeded(int a) { return a; }
