package queryapi
