set datafile separator ','
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top
set title 'A chain of sigmoid units: larger weights saturate them'
set xlabel 'weight'
set ylabel 'factor that a unit leaves of the gradient'
set terminal pngcairo size 1000,560 font 'sans,12'
set output 'chain.png'
plot 'chain.csv' using 1:2 skip 1 with lines lw 2 lc rgb '#0072b2' title '|w| sigmoid''(net)'
set terminal svg size 1000,560 font 'sans,14' background 'white'
set output 'chain.svg'
replot
