set datafile separator ','
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top
set title '20 layers of sigmoid, and what cures them'
set xlabel 'step'
set ylabel 'error on the batches (%)'
set yrange [0:100]
set terminal pngcairo size 1000,560 font 'sans,12'
set output 'errors.png'
plot 'none.csv' using 1:4 skip 1 with lines lw 2 lc rgb '#0072b2' title 'as it is', \
  'relu.csv' using 1:4 skip 1 with lines lw 2 lc rgb '#d55e00' title 'ReLU, He''s initialisation', \
  'batch_norm.csv' using 1:4 skip 1 with lines lw 2 lc rgb '#009e73' title 'batch norm', \
  'residual.csv' using 1:4 skip 1 with lines lw 2 lc rgb '#cc79a7' title 'residual connections', \
  'initialisation.csv' using 1:4 skip 1 with lines lw 2 lc rgb '#e69f00' title 'balanced initialisation'
set terminal svg size 1000,560 font 'sans,14' background 'white'
set output 'errors.svg'
replot
