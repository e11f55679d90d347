package openlineage

import (
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// files is the namespace of what lies in files on this machine.
const files = "file"

// locate names the dataset at a place: a path, relative to the project, or an address. Of a
// template or a glob it is the directory above what changes, so that it is the same for each
// partition.
func locate(dir, place string) DatasetID {
	if scheme, rest, ok := strings.Cut(place, "://"); ok && scheme != files {
		scheme, rest, _ = strings.Cut(cutURI(scheme+"://"+rest), "://")
		host, name, _ := strings.Cut(rest, "/")
		if name, err := url.PathUnescape(name); err == nil {
			return DatasetID{Namespace: scheme + "://" + host, Name: firstOf(scrub(unchanging(name)), "/")}
		}
		return DatasetID{Namespace: scheme + "://" + host, Name: firstOf(scrub(name), "/")}
	}
	name := place
	if of, ok := strings.CutPrefix(place, "file://"); ok {
		host, _, _ := strings.Cut(of, "/")
		name = of[strings.LastIndex(host, "@")+1:]
	}
	name = filepath.FromSlash(unchanging(name))
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return DatasetID{Namespace: files, Name: scrub(filepath.ToSlash(filepath.Clean(name)))}
}

// unchanging is what of a path comes before the first part that a partition decides.
func unchanging(place string) string {
	i := strings.IndexAny(place, "{*?[")
	if i < 0 {
		return place
	}
	if slash := strings.LastIndex(place[:i], "/"); slash >= 0 {
		return place[:max(slash, 1)]
	}
	return "."
}

// locateAll names the dataset at several places: what is above all of them.
func locateAll(dir string, places []string) DatasetID {
	id := locate(dir, places[0])
	for _, p := range places[1:] {
		other := locate(dir, p)
		if other.Namespace != id.Namespace {
			continue
		}
		for id.Name != other.Name && !strings.HasPrefix(other.Name, strings.TrimSuffix(id.Name, "/")+"/") {
			id.Name = path.Dir(id.Name)
		}
	}
	return id
}

// address is where a dataset is, as a URI.
func address(id DatasetID) string {
	if id.Namespace == files {
		return (&url.URL{Scheme: "file", Path: id.Name}).String()
	}
	return strings.TrimSuffix(id.Namespace, "/") + "/" + strings.TrimPrefix((&url.URL{Path: id.Name}).EscapedPath(), "/")
}

// dataSource says where a dataset is.
func dataSource(id DatasetID) *DataSource {
	return &DataSource{facet("1-0-1", "DatasourceDatasetFacet"), id.Namespace, address(id)}
}

// version names a version of a dataset's partition.
func version(partitionDir string, n int64) *DatasetVersion {
	if n == 0 {
		return nil
	}
	if partitionDir != "" {
		partitionDir += "/"
	}
	return &DatasetVersion{facet("1-0-1", "DatasetVersionDatasetFacet"), partitionDir + "v" + decimal(n)}
}

// partitions says which partition of a dataset is meant; nil where it has only one.
func partitions(dir string) *Partitions {
	by, value, ok := strings.Cut(dir, "=")
	if !ok {
		return nil
	}
	return &Partitions{Type: "partition", Partitions: []DatasetPartition{{Identifier: value, Dimensions: map[string]string{by: value}}}}
}

func inputSubset(dir string) *InputSubset {
	if p := partitions(dir); p != nil {
		return &InputSubset{facetIn("1-0-0", "BaseSubsetDatasetFacet", "InputSubsetInputDatasetFacet"), *p}
	}
	return nil
}

func outputSubset(dir string) *OutputSubset {
	if p := partitions(dir); p != nil {
		return &OutputSubset{facetIn("1-0-0", "BaseSubsetDatasetFacet", "OutputSubsetOutputDatasetFacet"), *p}
	}
	return nil
}

// optionsOf begin what stands behind the paths in the text of a source.
var optionsOf = []string{" partition_by ", " drift ", " schema ", " delimiter ", " without header", " null ", " lines ", " in "}

// places are the paths, templates or globs of what a source read, as its text has them; those of
// the files themselves where it says nothing that fits.
func places(r *pipeline.InputRecord) (all []string) {
	_, text, _ := strings.Cut(r.Source, " ")
	for _, option := range optionsOf {
		text, _, _ = strings.Cut(text, option)
	}
	all = strings.Split(text, ", ")
	for _, f := range r.Files {
		if !slices.ContainsFunc(all, func(place string) bool { return holds(unchanging(place), f.Path) }) {
			all = nil
		}
	}
	if len(all) > 0 && all[0] != "" {
		return all
	}
	all = nil
	for _, f := range r.Files {
		all = append(all, f.Path)
	}
	return all
}

// holds reports whether a path is a directory, or below it.
func holds(dir, name string) bool {
	dir, name = path.Clean(dir), path.Clean(name)
	return dir == name || dir == "." || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
