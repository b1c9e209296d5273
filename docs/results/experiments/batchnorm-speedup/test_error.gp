set datafile separator ','
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top
set title 'Three layers of 100 sigmoids'
set xlabel 'step (60 images)'
set ylabel 'test error (%)'
set yrange [0:20]
set terminal pngcairo size 1000,560 font 'sans,12'
set output 'test_error.png'
plot 'with.csv' using 1:5 skip 1 with lines lw 2 lc rgb '#0072b2' title 'with batch norm', \
  'without.csv' using 1:5 skip 1 with lines lw 2 lc rgb '#d55e00' title 'without'
set terminal svg size 1000,560 font 'sans,14' background 'white'
set output 'test_error.svg'
replot
