set datafile separator ','
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top
set title 'Three activation functions'
set xlabel 'x'
set ylabel 'f(x)'
set yrange [-1.1:1.6]
set terminal pngcairo size 1000,560 font 'sans,12'
set output 'functions.png'
plot 'activations.csv' using 1:2 skip 1 with lines lw 2 lc rgb '#0072b2' title 'sigmoid', \
  'activations.csv' using 1:4 skip 1 with lines lw 2 lc rgb '#d55e00' title 'tanh', \
  'activations.csv' using 1:6 skip 1 with lines lw 2 lc rgb '#009e73' title 'relu'
set terminal svg size 1000,560 font 'sans,14' background 'white'
set output 'functions.svg'
replot
