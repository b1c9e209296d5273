set datafile separator ','
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top
set title 'Training error over 3128 steps'
set xlabel 'epoch'
set ylabel 'training error (%)'
set yrange [0:100]
set terminal pngcairo size 1000,560 font 'sans,12'
set output 'training_error.png'
plot 'plain20.csv' using 2:4 skip 1 with linespoints pt 7 ps 0.7 lw 2 lc rgb '#0072b2' title 'plain20', \
  'plain56.csv' using 2:4 skip 1 with linespoints pt 7 ps 0.7 lw 2 lc rgb '#d55e00' title 'plain56', \
  'resnet20.csv' using 2:4 skip 1 with linespoints pt 7 ps 0.7 lw 2 lc rgb '#009e73' title 'resnet20', \
  'resnet56.csv' using 2:4 skip 1 with linespoints pt 7 ps 0.7 lw 2 lc rgb '#cc79a7' title 'resnet56'
set terminal svg size 1000,560 font 'sans,14' background 'white'
set output 'training_error.svg'
replot
