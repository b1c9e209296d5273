set datafile separator ','
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top
set title 'The gradient on its way down 50 layers'
set xlabel 'layer (1 is next to the image)'
set ylabel 'norm of dL/dW at the start'
set logscale y
set format y '10^{%L}'
set terminal pngcairo size 1000,560 font 'sans,12'
set output 'layers.png'
plot 'deepest.csv' using 1:2 skip 1 with linespoints pt 7 ps 0.7 lw 2 lc rgb '#0072b2' title 'sigmoid', \
  'deepest.csv' using 1:3 skip 1 with linespoints pt 7 ps 0.7 lw 2 lc rgb '#d55e00' title 'ReLU'
set terminal svg size 1000,560 font 'sans,14' background 'white'
set output 'layers.svg'
replot
