set datafile separator ','
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top
set title 'XOR: three linear layers, and the same with one tanh'
set xlabel 'step'
set ylabel 'mean cross-entropy (nats)'
set terminal pngcairo size 1000,560 font 'sans,12'
set output 'loss.png'
plot 'linear.csv' using 1:2 skip 1 with lines lw 2 lc rgb '#0072b2' title 'linear', \
  'tanh.csv' using 1:2 skip 1 with lines lw 2 lc rgb '#d55e00' title 'with tanh'
set terminal svg size 1000,560 font 'sans,14' background 'white'
set output 'loss.svg'
replot
